import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cnnlab.techniques import losses as L

Z = torch.randn(16, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 3
Y = torch.randint(7, (16,), generator=torch.Generator().manual_seed(1))


@pytest.mark.rows("T04")
@pytest.mark.parametrize(
    ("loss", "value"),
    [(L.cross_entropy, 1.609438), (L.soft_bootstrapping, 1.569057), (L.hard_bootstrapping, 1.358885)],
    ids=["cross_entropy", "soft", "hard"],
)
def test_losses_of_the_sheets_example(loss, value):
    q = torch.tensor([[0.7, 0.2, 0.1]], dtype=torch.float64)
    assert loss(q.log() + 5, torch.tensor([1])).item() == pytest.approx(value, abs=1e-6)


@pytest.mark.rows("T04")
def test_cross_entropy_and_label_smoothing_are_torchs():
    torch.testing.assert_close(L.cross_entropy(Z, Y), F.cross_entropy(Z, Y))
    for smoothing in (0.0, 0.1, 1.0):
        theirs = F.cross_entropy(Z, Y, label_smoothing=smoothing)
        torch.testing.assert_close(L.label_smoothing(Z, Y, smoothing=smoothing), theirs)


@pytest.mark.rows("T04")
def test_bootstrapping_is_cross_entropy_with_the_targets_of_the_paper():
    q, t = Z.softmax(1), F.one_hot(Y, 7).double()
    soft = F.cross_entropy(Z, 0.95 * t + 0.05 * q)
    hard = F.cross_entropy(Z, 0.8 * t + 0.2 * F.one_hot(q.argmax(1), 7))
    torch.testing.assert_close(L.soft_bootstrapping(Z, Y), soft)
    torch.testing.assert_close(L.hard_bootstrapping(Z, Y), hard)


@pytest.mark.rows("T04")
@pytest.mark.parametrize("loss", [L.soft_bootstrapping, L.hard_bootstrapping], ids=["soft", "hard"])
def test_labels_believed_in_full_give_cross_entropy_and_far_logits_stay_finite(loss):
    torch.testing.assert_close(loss(Z, Y, beta=1.0), F.cross_entropy(Z, Y))
    far = torch.tensor([[100.0, -100.0, 0.0]], requires_grad=True)
    loss(far, torch.tensor([1])).backward()
    assert torch.isfinite(far.grad).all()


@pytest.mark.rows("T04")
def test_the_gradient_of_soft_bootstrapping_goes_through_its_target():
    z = Z.clone().requires_grad_()
    (ours,) = torch.autograd.grad(L.soft_bootstrapping(z, Y), z)
    target = 0.95 * F.one_hot(Y, 7) + 0.05 * z.softmax(1)
    (through,) = torch.autograd.grad(F.cross_entropy(z, target), z, retain_graph=True)
    (detached,) = torch.autograd.grad(F.cross_entropy(z, target.detach()), z)
    torch.testing.assert_close(ours, through)
    assert (ours - detached).abs().max() > 1e-4


@pytest.mark.rows("F04")
@pytest.mark.parametrize("margin", [1.0, 0.3])
def test_the_hinge_is_torchs_without_its_division_by_the_classes(margin):
    theirs = nn.MultiMarginLoss(margin=margin)(Z, Y)
    torch.testing.assert_close(L.multiclass_hinge(Z, Y, margin=margin), 7 * theirs)


@pytest.mark.rows("F04")
def test_a_linear_machine_on_features_finds_what_scikit_learns_finds():
    from sklearn.svm import LinearSVC

    generator = torch.Generator().manual_seed(0)
    centers = 3 * torch.randn(4, 6, generator=generator)
    y = torch.randint(4, (400,), generator=generator)
    x = centers[y] + 1.5 * torch.randn(400, 6, generator=generator)
    machine = nn.Linear(6, 4)
    optimizer = torch.optim.SGD(machine.parameters(), lr=0.1, weight_decay=1e-3)
    for _ in range(300):
        optimizer.zero_grad()
        L.multiclass_hinge(machine(x[:300]), y[:300]).backward()
        optimizer.step()
    ours = (machine(x[300:]).argmax(1) == y[300:]).double().mean().item()
    theirs = LinearSVC(multi_class="crammer_singer", max_iter=20_000).fit(x[:300], y[:300]).score(x[300:], y[300:])
    assert ours == pytest.approx(theirs, abs=0.04) and ours > 0.8


def test_the_loss_of_a_network_that_knows_nothing_is_the_logarithm_of_its_classes():
    assert L.cross_entropy(torch.zeros(5, 10), torch.arange(5)).item() == pytest.approx(math.log(10))
