from contract import Case, images

from cnnlab.techniques.symmetry import constant_, unit_similarity

CASES = {
    "constant_": Case(
        lambda: lambda weight: constant_(weight.clone()),
        images(6, 4, 3, 3),
        why_not={"gradient": "it overwrites its argument, so nothing depends on it"},
    ),
    "unit_similarity": Case(lambda: unit_similarity, images(5, 3, 3, 3)),
}
