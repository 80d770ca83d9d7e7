// fancy_func(a, b, c, d) = add(add(a, b), add(c, d)): the program of fancy.json,
// written in the compiler's own dialect.
func.func @fancy_func(%a: tensor<f32> {mlc.input = "a"}, %b: tensor<f32> {mlc.input = "b"},
                      %c: tensor<f32> {mlc.input = "c"}, %d: tensor<f32> {mlc.input = "d"})
    -> (tensor<f32> {mlc.output = "result"}) {
  %e = mlc.call %a, %b {callee = "add"} : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %f = mlc.call %c, %d {callee = "add"} : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %g = mlc.call %e, %f {callee = "add"} : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return %g : tensor<f32>
}

func.func @add(%x: tensor<f32> {mlc.input = "x"}, %y: tensor<f32> {mlc.input = "y"})
    -> (tensor<f32> {mlc.output = "z"}) {
  %sum = mlc.add %x, %y : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return %sum : tensor<f32>
}
