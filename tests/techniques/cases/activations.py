from contract import Case, images

from cnnlab.techniques.activations import ACTIVATIONS, Maxout

CASES = {name: Case(make, images(2, 4, 5, 5)) for name, make in ACTIVATIONS.items()}
CASES["maxout"] = Case(
    Maxout,
    images(2, 4, 5, 5),
    bad=((lambda: Maxout(3)(images(1, 4)(None)[0]), r"must be a multiple of 3; got shape \(1, 4\)"),),
)
