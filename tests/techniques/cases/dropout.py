from contract import Case, images, seeded

from cnnlab.techniques.dropout import DROPOUTS, dropout, pixel_dropout, variance_after_dropout

CASES = {name: Case(lambda make=make: make(0.3), images(2, 4, 5, 5)) for name, make in DROPOUTS.items()} | {
    "function": Case(
        lambda: lambda x: dropout(x, 0.3, generator=seeded()),
        images(2, 4, 5, 5),
        why_not={"vmap": "draws from a generator"},
    ),
    "pixels": Case(
        lambda: lambda x: pixel_dropout(x, 0.3, generator=seeded()),
        images(2, 4, 5, 5),
        why_not={"vmap": "draws from a generator"},
    ),
    "variance": Case(lambda: lambda x: variance_after_dropout(x, 0.3), images(2, 4, 5, 5)),
}
