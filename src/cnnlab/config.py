"""What a run is: three small frozen dataclasses. Their defaults are the baseline every experiment departs from."""

from dataclasses import asdict, dataclass, field, fields, replace

from cnnlab.choices import choose


@dataclass(frozen=True)
class Data:
    """Which images. `image_size` in pixels a side (None: as they come); `train_images` None means all of them."""

    dataset: str = "digits"
    image_size: int | None = None
    train_images: int | None = None


@dataclass(frozen=True)
class Model:
    """Which network. A model raises on a field set away from its default that it does not read."""

    model: str = "plain"
    depth: int = 3
    width: int = 16
    activation: str = "relu"
    initialization: str = "he"


@dataclass(frozen=True)
class Training:
    """How it is trained. `steps`, if given, wins over `epochs`; `augmentation` is `none`, `flip` or `crop+flip`."""

    epochs: int = 3
    steps: int | None = None
    batch_size: int = 64
    lr: float = 0.05
    momentum: float = 0.9
    weight_decay: float = 0.0
    schedule: str = "linear"
    augmentation: str = "none"


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
