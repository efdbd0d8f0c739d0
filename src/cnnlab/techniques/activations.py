"""Activation functions by name.

Each name stands for a factory of modules. `maxout` halves the channels, so the layer before it needs twice as many:
`pieces(name)` says how many each needs.
"""

from torch import Tensor, nn

from cnnlab.choices import choose


class Maxout(nn.Module):
    r"""The largest of `pieces` linear pieces: $h_c = \max_{j<k} z_{ck+j}$.

    Input (N, C·k, ...), output (N, C, ...). Channels that `pieces` does not divide raise a `ValueError`.
    Source: {cite:t}`goodfellow2013maxout`.
    """

    def __init__(self, pieces: int = 2):
        super().__init__()
        self.pieces = pieces

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim < 2 or x.shape[1] % self.pieces:
            raise ValueError(
                f"maxout takes the largest of {self.pieces} pieces, so dimension 1 must be a multiple of {self.pieces}; "
                f"got shape {tuple(x.shape)}. Give the layer before it {self.pieces} times the channels."
            )
        return x.unflatten(1, (-1, self.pieces)).amax(dim=2)

    def extra_repr(self) -> str:
        return f"pieces={self.pieces}"


def leaky_relu(slope: float) -> nn.LeakyReLU:
    r"""$\max(z, 0) + a\,\min(z, 0)$ with negative slope $a$."""
    return nn.LeakyReLU(slope)


def activation(name: str) -> nn.Module:
    """A new module of the named activation; an unknown name lists the choices."""
    return choose(ACTIVATIONS, name, "activation")()


def pieces(name: str) -> int:
    """How many channels the layer before must give for each channel after: 2 for maxout, else 1."""
    return getattr(activation(name), "pieces", 1)


ACTIVATIONS = {
    "identity": nn.Identity,
    "relu": nn.ReLU,
    "leaky_relu": lambda: leaky_relu(0.01),
    "very_leaky_relu": lambda: leaky_relu(1 / 3),
    "elu": nn.ELU,
    "tanh": nn.Tanh,
    "maxout": Maxout,
}
