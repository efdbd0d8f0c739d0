"""What may not pass a check, and what its message teaches."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from cnnlab import check


class AgreesWithAll:
    """Says yes to every comparison."""

    def __repr__(self):  # the same on every worker, where it is part of a test's name
        return "AgreesWithAll()"

    ndim, shape, dtype = 0, (2, 3), torch.float32
    __eq__ = __le__ = __lt__ = __ge__ = __gt__ = lambda self, other: True
    __sub__ = __rsub__ = __abs__ = lambda self, *other: self
    __hash__ = None


class Tampered(torch.Tensor):
    """A tensor that redefines subtraction and comparison."""

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return torch.zeros(2, 3) if func is torch.Tensor.sub else torch.tensor(True)


MATRIX = torch.arange(6.0).reshape(2, 3)


@pytest.mark.parametrize(
    ("got", "want"),
    [
        (math.nan, 1.0),
        (math.nan, math.nan),
        (AgreesWithAll(), 1.0),
        (AgreesWithAll(), 1),
        (AgreesWithAll(), None),
        (AgreesWithAll(), (1, 2)),
        (AgreesWithAll(), MATRIX),
        (MATRIX.as_subclass(Tampered) + 1, MATRIX),
        (torch.empty(0), MATRIX),
        (MATRIX[:1], MATRIX),  # would broadcast
        (MATRIX.double(), MATRIX),
        (MATRIX.numpy(), MATRIX),
        (MATRIX * math.nan, MATRIX),
        (MATRIX * math.nan, MATRIX * math.nan),
        (MATRIX + torch.tensor([0, 0, 1e-3]), MATRIX),
        (2.0, 2),
        (True, 1),
        (1, True),
        ("1", 1),
        ((1,), (1, 2)),
        ((), (1, 2)),
        ((1, 2), 1),
        ([1, math.nan], (1, 2.0)),
        (None, 0.0),
        (0, None),
        (..., 1.0),
        (1e-7, 8.46e-22),  # small is no excuse for wrong
    ],
    ids=repr,
)
def test_close_lets_nothing_wrong_through(got, want):
    with pytest.raises(AssertionError, match="got|No answer yet"):
        check.close(got, want)


@pytest.mark.parametrize(
    ("got", "want"),
    [
        (2, 2),
        (2, 2.0),
        (1.00005, 1.0),
        (torch.tensor(2), 2),
        (np.int64(2), 2),
        (np.float32(1.5), 1.5),
        (torch.tensor(1.5, requires_grad=True), 1.5),
        (nn.Parameter(MATRIX.clone()), MATRIX),
        (MATRIX * 1.00001, MATRIX),
        ([64, 10], (64, 10)),
        (None, None),
        ("he", "he"),
    ],
    ids=repr,
)
def test_close_lets_what_is_right_pass_and_says_so(got, want, capsys):
    check.close(got, want)
    said = capsys.readouterr()
    assert said.out.startswith("right: ") and not said.err


@pytest.mark.parametrize(
    ("got", "want", "message"),
    [
        (9, 27, r"^got 9, want 27\. times the kernel$"),
        (27.0, 27, r"^got 27, want 27 \(an int, not a float\)\. times"),
        (torch.zeros(3, 2), MATRIX, r"^got shape \(3, 2\), want \(2, 3\)\."),
        (MATRIX.long(), MATRIX, r"^got int64, want float32\."),
        (MATRIX.tolist(), MATRIX, r"want a tensor of shape \(2, 3\)"),
        (MATRIX / 0, MATRIX, r"^got NaN in the tensor\."),
        (MATRIX + torch.tensor([0, 0.5, 0]), MATRIX, r"^at \[0, 1\] got 1\.5, want 1\."),
        ((64, 9), (64, 10), r"^entry 1: got 9, want 10\."),
        (64, (64, 10), r"^got 64, want \(64, 10\)\."),
        (..., 1.0, r"^No answer yet: put your code where the three dots stand\.$"),
    ],
    ids=repr,
)
def test_a_failed_check_says_what_came_what_was_wanted_and_the_hint(got, want, message):
    with pytest.raises(AssertionError, match=message):
        check.close(got, want, hint="times the kernel")


def test_tolerances_are_those_of_torch():
    for got in torch.linspace(0.9, 1.1, 41).tolist():
        expected = torch.isclose(torch.tensor(got), torch.tensor(1.0), rtol=0.03, atol=0.02).item()
        try:
            check.close(got, 1.0, rtol=0.03, atol=0.02)
            passed = True
        except AssertionError:
            passed = False
        assert passed == expected, got


def test_a_law_holds_when_both_sides_agree_on_every_case(capsys):
    check.law(
        "(a + b)² = a² + 2ab + b²",
        [(1, 2), (3, 4)],
        left=lambda a, b: (a + b) ** 2,
        right=lambda a, b: a**2 + 2 * a * b + b**2,
    )
    assert capsys.readouterr().out == "right: (a + b)² = a² + 2ab + b² (2 cases)\n"


def test_a_broken_law_names_the_first_case_that_breaks_it():
    with pytest.raises(
        AssertionError, match=r"^\(a \+ b\)² = a² \+ b²: not for 3, 4; got 49, want 25\. the mixed term$"
    ):
        check.law(
            "(a + b)² = a² + b²",
            [(0, 2), (3, 4), (5, 6)],
            left=lambda a, b: (a + b) ** 2,
            right=lambda a, b: a**2 + b**2,
            hint="the mixed term",
        )


def test_a_law_without_a_case_is_refused():
    with pytest.raises(ValueError, match=r'the law "x = x" was given no case'):
        check.law("x = x", [], left=lambda x: x, right=lambda x: x)


def test_an_error_inside_a_law_says_for_which_case():
    with pytest.raises(ZeroDivisionError) as caught:
        check.law("1/x = 1/x", [(1,), (0,)], left=lambda x: 1 / x, right=lambda x: 1 / x)
    assert caught.value.__notes__ == ['This happened while checking "1/x = 1/x" for 0.']


def test_tensor_returns_a_copy_that_owes_nothing_to_the_answer():
    answer = nn.Parameter(MATRIX.clone())
    copy = check.tensor(answer, (2, 3))
    copy.zero_()
    assert torch.equal(answer.detach(), MATRIX) and type(copy) is torch.Tensor and not copy.requires_grad


@pytest.mark.parametrize(
    ("got", "message"),
    [
        (torch.empty(0), r"^got shape \(0,\), want \(2, 3\)\. reshape it"),
        (MATRIX.double(), "^got float64, want float32"),
        (MATRIX * math.nan, "^got NaN in the tensor"),
        (AgreesWithAll(), r"want a tensor of shape \(2, 3\)"),
        (None, r"^got None, want a tensor of shape \(2, 3\)"),
    ],
    ids=repr,
)
def test_tensor_refuses_what_is_not_one_of_that_form(got, message):
    with pytest.raises(AssertionError, match=message):
        check.tensor(got, (2, 3), hint="reshape it")


def test_number_returns_a_float_whatever_held_it():
    for held in (1.5, torch.tensor(1.5), np.float32(1.5)):
        assert type(check.number(held)) is float and check.number(held) == 1.5


@pytest.mark.parametrize("got", [math.nan, torch.tensor(math.nan), AgreesWithAll(), None, True, "1", MATRIX], ids=repr)
def test_number_refuses_what_is_none(got):
    with pytest.raises(AssertionError, match=r"^got .*, want a number\. 1 / G$"):
        check.number(got, hint="1 / G")


def test_unchanged_returns_the_result_of_a_function_that_leaves_its_arguments_alone():
    assert torch.equal(check.unchanged(lambda x, k: x * k, MATRIX, 2), MATRIX * 2)


def test_unchanged_names_the_tensor_that_was_changed_in_place():
    message = r"^argument 2, a float32 tensor of shape \(2, 3\), was changed in place\. Work on a copy \(clone"
    with pytest.raises(AssertionError, match=message):
        check.unchanged(lambda k, x: x.mul_(k), 2, MATRIX.clone())


def test_unchanged_names_the_model_that_was_changed_in_place():
    def spoil(model):
        with torch.no_grad():
            model[0].weight *= 2

    with pytest.raises(AssertionError, match="^argument 1, the model Sequential, was changed in place"):
        check.unchanged(spoil, nn.Sequential(nn.Linear(3, 2)))


def test_infinities_are_told_apart():
    check.close(math.inf, math.inf)
    for got, want in ((1.0, math.inf), (-math.inf, math.inf), (math.inf, 1.0)):
        with pytest.raises(AssertionError, match="want"):
            check.close(got, want)


def test_nan_in_an_argument_is_not_a_change():
    check.unchanged(lambda x: x + 1, torch.tensor([math.nan, 1.0]))
