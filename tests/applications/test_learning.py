import torch
from torch import nn

from cnnlab.applications.learning import accuracy, learn


def test_it_learns_what_is_separable_from_two_inputs():
    class Sum(nn.Linear):
        def forward(self, a, b):
            return super().forward(a + b)

    a, b = (torch.randn(200, 4, generator=torch.Generator().manual_seed(i)) for i in range(2))
    labels = ((a + b)[:, 0] > 0).long()
    model = Sum(4, 2)
    losses = learn(model, [a, b], labels, steps=200, lr=0.05)
    assert len(losses) == 200 and losses[-1] < 0.3 * losses[0]
    assert accuracy(model, [a, b], labels) > 0.95


def test_the_same_start_gives_the_same_run():
    x, labels = torch.randn(50, 3), torch.arange(50) % 2
    runs = []
    for _ in range(2):
        torch.manual_seed(0)
        runs.append(learn(nn.Linear(3, 2), [x], labels, steps=5))
        torch.rand(1)
    assert runs[0] == runs[1]


def test_accuracy_is_measured_without_dropout_and_leaves_the_mode():
    model = nn.Sequential(nn.Dropout(0.99), nn.Identity())
    x = torch.eye(4).repeat(50, 1)
    assert accuracy(model, [x], torch.arange(4).repeat(50)) == 1
    assert model.training
