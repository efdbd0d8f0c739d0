"""Answers that are made to look right to whatever compares them."""

from hostile.rows import FAIL, Attack, inside

YES = "class Yes:\n    ndim, shape, dtype = 2, (3, 4), torch.float32\n"
YES += "    __eq__ = __le__ = lambda s, o: True\n    __hash__ = None\n"
LIES = {
    "replaces torch's comparisons": Attack(
        "torch.allclose = torch.equal = lambda *a, **k: True\ntorch.Tensor.__eq__ = lambda s, o: True\n"
        + inside("return x"),
        FAIL,
    ),
    "removes torch": Attack("import sys\nsys.modules['torch'] = None\n" + inside("return x"), FAIL, spoils=True),
    "replaces the checks": Attack("check.close = check.law = lambda *a, **k: None\n" + inside("return x"), FAIL),
    "replaces built-in functions": Attack(
        "import builtins\nbuiltins.abs = lambda x: 0\nbuiltins.AssertionError = Warning\n" + inside("return x"), FAIL
    ),
    "returns an object that equals everything": Attack(inside(YES + "return Yes()"), FAIL, "C1"),
    "returns a tensor that equals everything": Attack(
        inside(
            "class Yes(torch.Tensor):\n    @classmethod\n    def __torch_function__(cls, f, t, a=(), k=None): return True\n"
            "return x.as_subclass(Yes)"
        ),
        FAIL,
        "C1",
    ),
    "returns an object that says it is a tensor": Attack(
        inside("class T:\n    __class__ = torch.Tensor\nreturn T()"), FAIL
    ),
    "returns a number that equals everything": Attack(
        inside("class F(float):\n    __eq__ = lambda s, o: True\nreturn F()"), FAIL, "C1"
    ),
    "returns not-a-number": Attack(inside("return x * float('nan')"), FAIL),
    "returns an empty tensor": Attack(inside("return torch.empty(0)"), FAIL),
    "sets the input to zero, and returns it": Attack(inside("return x.zero_()"), FAIL),
    "makes all random numbers the same": Attack(
        inside("state = torch.get_rng_state()\nstate[24:] = 0\ntorch.set_rng_state(state)\nreturn x"), FAIL
    ),
    "raises an AssertionError of its own": Attack(inside("raise AssertionError('passed')"), FAIL),
    "raises StopIteration": Attack(inside("raise StopIteration"), FAIL),
    "raises an interrupt": Attack(inside("raise KeyboardInterrupt"), FAIL),
}
