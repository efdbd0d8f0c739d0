"""What a run is: three small frozen dataclasses. Their defaults are the baseline every experiment departs from."""

from dataclasses import asdict, dataclass, field, fields, replace

from cnnlab.choices import choose


@dataclass(frozen=True)
class Data:
    """Which images, and what is done to all of them once, before the first step.

    `image_size` in pixels a side (None: as they come); `train_images` None means all of them; `label_noise` is the share of
    train labels that are turned into another class; `color_space` and `enhancement` are done to train, valid and test.
    """

    dataset: str = "digits"
    image_size: int | None = None
    train_images: int | None = None
    label_noise: float = 0.0
    color_space: str = "rgb"
    enhancement: str = "none"


@dataclass(frozen=True)
class Model:
    """Which network. A model raises on a field set away from its default that it does not read.

    `placement` is that of batch normalization: `none`, `before` or `after` the activation. `pool_window` is written
    kernel/stride, `skip` is the number of convolutions under an identity (0: no skips), `head` a plan of `models.heads`,
    `color` a variant of `techniques.learned_color` before the first convolution.
    """

    model: str = "plain"
    depth: int = 3
    width: int = 16
    activation: str = "relu"
    initialization: str = "he"
    placement: str = "none"
    convolution: str = "full"
    kernel_size: int = 3
    padding: str = "zeros"
    bias: bool = True
    pooling: str = "max"
    pool_window: str = "2/2"
    skip: int = 0
    head: str = "avg_clf"
    dropout: float = 0.0
    color: str = "none"


@dataclass(frozen=True)
class Training:
    """How it is trained. `steps`, if given, wins over `epochs`; names stand in the tables of the techniques."""

    epochs: int = 3
    steps: int | None = None
    batch_size: int = 64
    lr: float = 0.05
    momentum: float = 0.9
    nesterov: bool = True
    weight_decay: float = 0.0
    schedule: str = "linear"
    augmentation: str = "none"
    loss: str = "cross_entropy"


@dataclass(frozen=True)
class Config:
    """A whole run but for its seed. Field names are unique over the three parts, so a level is a flat dict."""

    data: Data = field(default_factory=Data)
    model: Model = field(default_factory=Model)
    training: Training = field(default_factory=Training)

    def with_fields(self, **values) -> "Config":
        """A copy with some fields changed: `config.with_fields(lr=0.1, activation="tanh")`. Unknown names raise."""
        owner = {f.name: part.name for part in fields(self) for f in fields(getattr(self, part.name))}
        parts: dict[str, dict] = {}
        for name, value in values.items():
            parts.setdefault(choose(owner, name, "config field"), {})[name] = value
        return replace(self, **{part: replace(getattr(self, part), **new) for part, new in parts.items()})

    def flat(self) -> dict:
        """All fields as one flat dict, for a record."""
        return {name: value for part in asdict(self).values() for name, value in part.items()}
