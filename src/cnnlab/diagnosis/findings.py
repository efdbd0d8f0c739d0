"""A finding, and the sentences that go with its name."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """What is seen: its name, the numbers that show it, why they mean that, and what to try."""

    name: str
    evidence: dict[str, float]
    why: str
    advice: str

    def __str__(self) -> str:
        numbers = ", ".join(f"{name} {value:.3g}" for name, value in self.evidence.items())
        return f"{self.name}{numbers and f' ({numbers})'}: {self.why} {self.advice}"


def finding(name: str, evidence: dict[str, float]) -> Finding:
    """The finding of that name, with its sentences."""
    return Finding(name, evidence, *SENTENCES[name])


SENTENCES = {
    "healthy": (
        "The loss fell, bent and settled low, within a narrow band, and what was given of the valid images agrees.",
        "Train a little longer, or leave it.",
    ),
    "diverged": (
        "The loss is not finite any more or ends above that of a guess: steps overshoot.",
        "Divide the learning rate by ten; if it still diverges, look at the initialization and the inputs.",
    ),
    "too short to tell": (
        "So few points show no trend.",
        "Train longer, or hand over the loss of every step.",
    ),
    "batch too small": (
        "The band of the loss is as wide as that of a batch of so few images: steps follow the noise.",
        "Increase the batch size, or lower the learning rate where memory does not allow it.",
    ),
    "not learning": (
        "The loss stays where it began, at that of a guess: no signal or no gradient comes through.",
        "Measure the variance at each layer and the share of dead units; change the initialization.",
    ),
    "learning rate too high": (
        "The loss moved fast at first, then stayed high, leapt or rose again: the steps are too long to settle.",
        "Divide the learning rate by three to ten, or warm it up.",
    ),
    "overfitting": (
        "The training images are learned and the valid ones are not: the gap is memory.",
        "Regularize more (weight decay, dropout, augmentation), get more images, or stop earlier.",
    ),
    "learning rate too low": (
        "The loss is still high, and has not settled there: the steps are too short, or too few.",
        "Multiply the learning rate by three to ten; if that is worse, train longer.",
    ),
    "too little capacity": (
        "The curve has bent and settled high, on the training images too, which a larger net would learn.",
        "Make the net wider or deeper, or regularize less.",
    ),
    "dead units": (
        "So many units of this layer give zero for every image, and get no gradient to come back.",
        "Lower the learning rate, start with larger weights or biases of zero, or take a leaky activation.",
    ),
    "signal lost": (
        "From the layer before to this one the variance falls by more than any activation takes.",
        "Change the initialization of this layer, scale it by LSUV, or put a normalization after it.",
    ),
    "signal exploded": (
        "From the layer before to this one the variance grows by more than any activation gives.",
        "Change the initialization of this layer, scale it by LSUV, or put a normalization after it.",
    ),
    "updates too short": (
        "A step moves the weights by next to nothing of themselves; 0.001 is usual.",
        "Raise the learning rate, or look at the size of the gradients.",
    ),
    "updates too long": (
        "A step moves the weights by a good part of themselves; 0.001 is usual.",
        "Lower the learning rate, or look at the size of the gradients.",
    ),
}
