"""Rules like those of rules.py for what becomes `if`, `while` and `scan`: PyTorch's higher-order ops and its
recurrent layers, which are loops over their steps.

The blocks of a higher-order op are graphs of their own, and all that they need is among its operands.
"""

from .. import ops
from ..errors import Unsupported
from .rules import RULES


@RULES.of("cond", raw=True, sizes=True)
def cond(c, n, predicate, on_true, on_false, arguments=()):
    values, all_arguments = c.passed(arguments)

    def branch(module):
        return c.block(lambda *inputs: c.inline(module, all_arguments(inputs)))
    return c.f.if_(c.f.reshape(c.value(predicate), []), branch(on_true), branch(on_false), values)


@RULES.of("while_loop", raw=True, sizes=True)
def while_loop(c, n, condition, body, carried, others=()):
    carried = [c.value(o) for o in carried]
    values, all_others = c.passed(others)

    def block(module):
        return c.block(lambda *inputs: c.inline(
            module, [*inputs[:len(carried)], *all_others(inputs[len(carried):])]))
    return c.f.while_(block(condition), block(body), carried, values)


@RULES.of("scan", raw=True, sizes=True)
def scan(c, n, body, carried, sequences, others=()):
    carried, sequences = ([c.value(o) for o in some] for some in (carried, sequences))
    changing = len(carried) + len(sequences)
    values, all_others = c.passed(others)
    block = c.block(lambda *inputs: c.inline(body, [*inputs[:changing], *all_others(inputs[changing:])]))
    return c.f.scan(block, carried, sequences, values)


# Recurrent layers. A cell gets the gates of the step's input and of the state, each [batch, gates * hidden],
# and the states; it returns them anew.

def gru_cell(f, given, own, states):
    hidden, = states
    (reset, update, new), (own_reset, own_update, own_new) = (ops.chunks(f, x, 3, 1) for x in (given, own))
    reset = f.unary("sigmoid", f.add(reset, own_reset))
    update = f.unary("sigmoid", f.add(update, own_update))
    new = f.unary("tanh", f.add(new, f.binary("mul", reset, own_new)))
    return [f.add(f.binary("mul", f.binary("sub", hidden, new), update), new)]


def lstm_cell(f, given, own, states):
    into, forget, new, out = ops.chunks(f, f.add(given, own), 4, 1)
    into, forget, out = (f.unary("sigmoid", gate) for gate in (into, forget, out))
    cell = f.add(f.binary("mul", forget, states[1]), f.binary("mul", into, f.unary("tanh", new)))
    return [f.binary("mul", out, f.unary("tanh", cell)), cell]


def recurrent(c, cell, x, states, weights, biases, layers, dropout, train, bidirectional, batch_first):
    """The output, and the last of each state; states are [layers * directions, batch, hidden]."""
    if dropout and train and layers > 1:
        raise Unsupported("with dropout")
    directions = 2 if bidirectional else 1
    count = len(weights) // (layers * directions)
    x = c.value(x)
    x = c.f.transpose(x, [1, 0, 2]) if batch_first else x
    states, last = [c.value(s) for s in states], []
    for layer in range(layers):
        outputs = []
        for direction in range(directions):
            at = layer * directions + direction
            initial = [ops.element(c.f, s, 0, at) for s in states]
            *finals, output = steps(c, cell, x, initial, weights[at * count:(at + 1) * count], biases,
                                    reverse=direction == 1)
            last.append(finals)
            outputs.append(output)
        x = c.f.concat(outputs, 2)
    x = c.f.transpose(x, [1, 0, 2]) if batch_first else x
    return [x, *(ops.stack(c.f, finals, 0) for finals in zip(*last))]


def steps(c, cell, x, initial, weights, biases, reverse):
    """One layer in one direction. Its weights: for the input, for the state, a bias of each, a projection."""
    of_gates = 4 if biases else 2
    values, all_weights = c.passed(weights[1:])

    def step(*inputs):
        *states, given = inputs[:len(initial) + 1]
        inner = [None, *map(c.value, all_weights(inputs[len(initial) + 1:]))]
        own = ops.linear(c.f, states[0], *inner[1:of_gates:2])
        hidden, *others = cell(c.f, given, own, states)
        for projection in inner[of_gates:]:
            hidden = ops.linear(c.f, hidden, projection)
        return [hidden, *others, hidden]
    # What does not wait for the state is one product for all steps.
    given = ops.linear(c.f, x, *map(c.value, weights[0:of_gates:2]))
    return c.f.scan(c.block(step), initial, [given], values, reverse=reverse)


for name, cell in (("gru", gru_cell),
                   ("rnn_tanh", lambda f, given, own, _: [f.unary("tanh", f.add(given, own))]),
                   ("rnn_relu", lambda f, given, own, _: [f.relu(f.add(given, own))])):
    @RULES.of(f"aten.{name}.input", raw=True)
    def with_one_state(c, n, x, state, *options, cell=cell):
        return recurrent(c, cell, x, [state], *options)


@RULES.of("aten.lstm.input", raw=True)
def lstm(c, n, x, states, *options):
    return recurrent(c, lstm_cell, x, states, *options)
