import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cnnlab.techniques.losses import cross_entropy
from cnnlab.techniques.outputs import OBJECTIVES, OUTPUTS, binary_cross_entropy, objective_of, output_of

pytestmark = pytest.mark.rows("A12")


def draw(*shape: int) -> torch.Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("scale", [1.0, 1e3, 1e4])
def test_cross_entropy_agrees_with_torch_at_any_logits(scale):
    logits, labels = scale * draw(64, 10), torch.arange(64) % 10
    torch.testing.assert_close(cross_entropy(logits, labels), F.cross_entropy(logits, labels), rtol=1e-6, atol=0)


def test_the_gradient_of_cross_entropy_is_probability_minus_target():
    logits, labels = draw(8, 5).requires_grad_(), torch.arange(8) % 5
    cross_entropy(logits, labels).backward()
    torch.testing.assert_close(8 * logits.grad, logits.detach().softmax(1) - F.one_hot(labels, 5))


@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_binary_cross_entropy_agrees_with_torch_in_value_and_gradient(scale):
    logits, targets = (scale * draw(8, 5)).requires_grad_(), (draw(8, 5) > 0.3).double()
    ours, theirs = binary_cross_entropy(logits, targets), F.binary_cross_entropy_with_logits(logits, targets)
    torch.testing.assert_close(ours, theirs)
    gradient = torch.autograd.grad(ours, logits)[0]
    torch.testing.assert_close(40 * gradient, logits.detach().sigmoid() - targets)


def test_each_output_is_what_the_minimum_of_its_loss_means():
    """Fit free logits to answers that differ for one input: the output is their frequency, or their mean."""
    answers = {
        "multiclass": (torch.tensor([0, 0, 0, 2]), torch.tensor([0.75, 0, 0.25])),
        "multilabel": (torch.tensor([[1.0, 1, 0], [1, 0, 0]]), torch.tensor([1, 0.5, 0])),
        "regression": (torch.tensor([[1.0, 5, 0], [2, 5, -4]]), torch.tensor([1.5, 5, -2])),
    }
    assert set(answers) == set(OUTPUTS) == set(OBJECTIVES)
    for task, (targets, want) in answers.items():
        logits = torch.zeros(1, 3, requires_grad=True)
        optimizer = torch.optim.Adam([logits], lr=0.1)
        for _ in range(400):
            optimizer.zero_grad()
            objective_of(task)(logits.expand(len(targets), 3), targets).backward()
            optimizer.step()
        torch.testing.assert_close(output_of(task)(logits)[0].detach(), want, rtol=0, atol=0.02)


def test_a_relu_before_the_loss_stops_every_class_it_silences():
    logits = torch.tensor([[-1.0, -2.0, -3.0]], requires_grad=True)
    cross_entropy(nn.ReLU()(logits), torch.tensor([0])).backward()
    assert not logits.grad.any()


def test_an_unknown_task_lists_the_choices():
    with pytest.raises(
        ValueError, match='task "ranking" is unknown; choose one of: multiclass, multilabel, regression'
    ):
        output_of("ranking")
    with pytest.raises(ValueError, match='task "ranking" is unknown'):
        objective_of("ranking")


def test_targets_of_another_shape_are_refused_and_not_broadcast():
    with pytest.raises(ValueError, match=r"shape of the targets must be \(4, 1\), that of the logits; got \(4,\)"):
        binary_cross_entropy(torch.zeros(4, 1), torch.zeros(4))
