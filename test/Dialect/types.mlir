// Every dtype, and the constants that are easy to lose: NaNs with payloads,
// infinities, negative zeros, denormals, extreme integers.
// RUN: mlc-opt %s | mlc-opt | FileCheck %s
// RUN: mlc-opt %s --mlir-print-op-generic | mlc-opt --mlc-simplify | FileCheck %s

// CHECK-LABEL: func.func @constants
func.func @constants() -> (tensor<6xf32>, tensor<2xf64>, tensor<2xf16>, tensor<2xbf16>, tensor<2xi8>,
                           tensor<2xui8>, tensor<2xi16>, tensor<2xi32>, tensor<2xi64>, tensor<3xi1>,
                           tensor<f32>, tensor<0x3xf32>, tensor<1000xi32>) {
  // CHECK-DAG: dense<[0x7FC00001, 0x7F800000, 0xFF800000, -0.000000e+00, 1.401300e-45, 1.000000e+00]> : tensor<6xf32>
  %0 = mlc.constant {value = dense<[0x7FC00001, 0x7F800000, 0xFF800000, -0.0, 1.4013e-45, 1.0]> : tensor<6xf32>} : () -> tensor<6xf32>
  // CHECK-DAG: dense<[0x7FF8000000000001, 1.000000e-300]> : tensor<2xf64>
  %1 = mlc.constant {value = dense<[0x7FF8000000000001, 1.0e-300]> : tensor<2xf64>} : () -> tensor<2xf64>
  // CHECK-DAG: dense<[0x7C00, 1.500000e+00]> : tensor<2xf16>
  %2 = mlc.constant {value = dense<[0x7C00, 1.5]> : tensor<2xf16>} : () -> tensor<2xf16>
  // CHECK-DAG: dense<[0xFF80, 1.500000e+00]> : tensor<2xbf16>
  %3 = mlc.constant {value = dense<[0xFF80, 1.5]> : tensor<2xbf16>} : () -> tensor<2xbf16>
  // CHECK-DAG: dense<[-128, 127]> : tensor<2xi8>
  %4 = mlc.constant {value = dense<[-128, 127]> : tensor<2xi8>} : () -> tensor<2xi8>
  // CHECK-DAG: dense<[0, 255]> : tensor<2xui8>
  %5 = mlc.constant {value = dense<[0, 255]> : tensor<2xui8>} : () -> tensor<2xui8>
  // CHECK-DAG: dense<[-32768, 32767]> : tensor<2xi16>
  %6 = mlc.constant {value = dense<[-32768, 32767]> : tensor<2xi16>} : () -> tensor<2xi16>
  // CHECK-DAG: dense<[-2147483648, 2147483647]> : tensor<2xi32>
  %7 = mlc.constant {value = dense<[-2147483648, 2147483647]> : tensor<2xi32>} : () -> tensor<2xi32>
  // CHECK-DAG: dense<[-9223372036854775808, 9223372036854775807]> : tensor<2xi64>
  %8 = mlc.constant {value = dense<[-9223372036854775808, 9223372036854775807]> : tensor<2xi64>} : () -> tensor<2xi64>
  // CHECK-DAG: dense<[true, false, true]> : tensor<3xi1>
  %9 = mlc.constant {value = dense<[true, false, true]> : tensor<3xi1>} : () -> tensor<3xi1>
  // CHECK-DAG: dense<2.500000e+00> : tensor<f32>
  %10 = mlc.constant {value = dense<2.5> : tensor<f32>} : () -> tensor<f32>
  // CHECK-DAG: dense<> : tensor<0x3xf32>
  %11 = mlc.constant {value = dense<> : tensor<0x3xf32>} : () -> tensor<0x3xf32>
  // CHECK-DAG: dense<7> : tensor<1000xi32>
  %12 = mlc.constant {value = dense<7> : tensor<1000xi32>} : () -> tensor<1000xi32>
  return %0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12 : tensor<6xf32>, tensor<2xf64>, tensor<2xf16>,
    tensor<2xbf16>, tensor<2xi8>, tensor<2xui8>, tensor<2xi16>, tensor<2xi32>, tensor<2xi64>, tensor<3xi1>,
    tensor<f32>, tensor<0x3xf32>, tensor<1000xi32>
}
