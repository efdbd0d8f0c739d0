from contract import Case, images

from cnnlab.techniques.convolutions import CONVOLUTIONS, SamePad2d

CASES = {
    name: Case(
        lambda make=make: make(4, 6, stride=2),
        images(2, 4, 7, 8),
        bad=()
        if name == "full"
        else ((lambda make=make: make(4, 6, kernel_size=4), "kernel_size must be odd and at least 3; got 4"),),
    )
    for name, make in CONVOLUTIONS.items()
}
CASES["SamePad2d"] = Case(lambda: SamePad2d(3, stride=2), images(2, 3, 6, 7))
# With few channels all are zero at some pixel, and the last ReLU stands at its kink there: no gradient to check.
CASES["mobilenet"] = Case(lambda: CONVOLUTIONS["mobilenet"](16, 6, stride=2), images(2, 16, 7, 8))
