import copy

import pytest
import torch
import torchvision
from torch import nn
from torch.nn import functional as F

from cnnlab import config, data, training
from cnnlab.techniques import transfer as T


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def net(classes: int = 5) -> nn.Sequential:
    torch.manual_seed(0)
    blocks = [nn.Sequential(nn.Conv2d(c, 4, 3), nn.BatchNorm2d(4), nn.ReLU()) for c in (1, 4)]
    return nn.Sequential(*blocks, nn.Flatten(), nn.Linear(64, classes))


def train(model, optimizer, steps=5):
    x, y = torch.randn(16, 1, 8, 8, generator=seeded()), torch.arange(16) % 5
    for _ in range(steps):
        model.train()  # as every training loop does
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()


def snapshot(model):
    return {name: each.clone() for name, each in model.state_dict().items()}


@pytest.mark.rows("T01")
def test_a_resnet_18_with_a_head_for_ten_learns_5130_parameters():
    model = torchvision.models.resnet18(num_classes=1000)
    assert T.freeze_until(T.replace_head(model, 10, generator=seeded()), "fc") is model
    assert sum(p.numel() for p in model.parameters() if p.requires_grad) == 5130
    assert model(torch.zeros(2, 3, 32, 32)).shape == (2, 10)
    assert model.fc.weight.std().item() == pytest.approx(0.01, rel=0.05) and not model.fc.bias.any()


@pytest.mark.rows("T01")
def test_frozen_tensors_are_the_same_bits_after_training_and_the_others_are_not():
    model = T.freeze_until(net(), "1")
    before = snapshot(model)
    train(model, torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1))
    for name, now in model.state_dict().items():
        assert torch.equal(now, before[name]) == name.startswith("0."), name


@pytest.mark.rows("T01")
def test_fit_leaves_frozen_tensors_alone_as_well():
    digits = data.load("digits", progress=False)
    model = net(10)
    T.freeze_until(model, "3")
    before = snapshot(model)
    for _ in training.fit(model, digits, config.Training(epochs=1, steps=5, batch_size=50)):
        pass
    changed = {name for name, now in model.state_dict().items() if not torch.equal(now, before[name])}
    assert changed == {"3.weight", "3.bias"}


@pytest.mark.rows("T01")
def test_a_frozen_batch_normalization_evaluates_and_a_thawed_one_learns_again():
    model, x = net(), torch.randn(8, 1, 8, 8, generator=seeded())
    reference = copy.deepcopy(model[0]).eval()(x)
    T.freeze_until(model, "1").train()
    torch.testing.assert_close(model[0](x), reference)
    T.freeze_until(model, "").train()
    assert all(p.requires_grad for p in model.parameters())
    assert not torch.allclose(model[0](x), reference)
    assert not any(m._forward_pre_hooks for m in model.modules())
    for _ in range(3):
        T.freeze_until(model, "3")
    assert all(len(m._forward_pre_hooks) == isinstance(m, nn.BatchNorm2d) for m in model.modules())


@pytest.mark.rows("T01")
def test_freezing_before_the_head_of_a_net_with_a_buffer_leaves_the_mode_of_all_but_normalizations():
    class Net(nn.Sequential):
        def __init__(self):
            super().__init__(nn.Sequential(nn.BatchNorm1d(4), nn.Dropout()), nn.Dropout(), nn.Linear(4, 2))
            self.register_buffer("mean", torch.zeros(4))
            self[0].register_buffer("scale", torch.ones(4))

        def forward(self, x):
            return super().forward(x - self.mean)

    model, x = Net(), torch.randn(6, 4, generator=seeded())
    T.freeze_until(model, "2").train()
    model(x)
    evaluating = {name for name, module in model.named_modules() if not module.training}
    assert evaluating == {"0", "0.0"} and model[0][0].num_batches_tracked == 0
    T.freeze_until(model, "")
    assert all(module.training for module in model.modules())
    model(x)
    assert model[0][0].num_batches_tracked == 1


@pytest.mark.rows("T01")
def test_freezing_reaches_into_a_nested_block():
    model = torchvision.models.resnet18(num_classes=10)
    T.freeze_until(model, "layer4.1")
    learning = {name for name, p in model.named_parameters() if p.requires_grad}
    assert learning == {n for n, _ in model.named_parameters() if n.startswith(("layer4.1.", "fc."))}
    with pytest.raises(ValueError, match='module "layer5" is unknown; choose one of'):
        T.freeze_until(model, "layer5")


@pytest.mark.rows("T01")
def test_rates_grow_towards_the_head_and_leave_out_what_is_frozen():
    model = T.freeze_until(torchvision.models.resnet18(num_classes=10), "layer3")
    groups = T.discriminative_rates(model, 0.1, starts=("layer4", "fc"))
    assert [g["lr"] for g in groups] == pytest.approx([0.001, 0.01, 0.1])
    names = {id(p): n for n, p in model.named_parameters()}
    prefixes = [{names[id(p)].split(".")[0] for p in g["params"]} for g in groups]
    assert prefixes == [{"layer3"}, {"layer4"}, {"fc"}]
    assert sum(len(g["params"]) for g in groups) == sum(p.requires_grad for p in model.parameters())
    (head,) = T.discriminative_rates(T.freeze_until(model, "fc"), 0.1, starts=("layer4", "fc"))
    assert head["lr"] == 0.1
    with pytest.raises(ValueError, match='module "head" is unknown'):
        T.discriminative_rates(model, 0.1, starts=("head",))


@pytest.mark.rows("T01")
def test_a_part_with_a_tenth_of_the_rate_moves_a_tenth_as_far():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1)).double()
    before = snapshot(model)
    groups = T.discriminative_rates(model, 1.0, starts=("1",))
    for p in model.parameters():
        p.grad = torch.ones_like(p)
    torch.optim.SGD(groups, lr=9.0).step()
    moved = {name: (before[name] - now).mean().item() for name, now in model.state_dict().items()}
    assert moved == pytest.approx({"0.weight": 0.1, "0.bias": 0.1, "1.weight": 1, "1.bias": 1})


@pytest.mark.rows("T01")
def test_all_weights_but_the_classifiers_are_copied_from_another_network():
    source, target = net(5), net(7)
    nn.init.normal_(source[0][0].weight, generator=seeded(3))
    head = target[3].weight.detach().clone()
    copied = T.copy_weights(target, source.state_dict())
    assert set(source.state_dict()) - set(copied) == {"3.weight", "3.bias"}
    assert torch.equal(target[0][0].weight, source[0][0].weight) and torch.equal(target[3].weight, head)
    with pytest.raises(ValueError, match=r"weights must be named as those of the model, such as \['0.0.weight'"):
        T.copy_weights(target, {"stem.weight": torch.zeros(1)})


def test_a_model_without_a_head_to_replace_says_so():
    with pytest.raises(ValueError, match="the model must be one with a linear layer to replace; got 'ReLU'"):
        T.replace_head(nn.ReLU(), 3)
    with pytest.raises(ValueError, match="more than its head: put it in a Sequential"):
        T.replace_head(nn.Linear(2, 2), 3)


@pytest.mark.rows("X01")
def test_the_two_by_two_rule_says_what_the_sources_say():
    """S4's matrix: linear on top | from different stages | a few layers | many, with a small rate."""
    got = {(size, kind): T.strategy(size, kind) for size in ("small", "large") for kind in ("similar", "different")}
    assert [plan.tuned == "none" for plan in got.values()] == [True, True, False, False]
    assert "last" in got["small", "similar"].classifier and "middle" in got["small", "different"].classifier
    assert "few" in got["large", "similar"].tuned and "many" in got["large", "different"].tuned
    assert {got["large", kind].rate for kind in ("similar", "different")} == {"small"}
    with pytest.raises(ValueError, match='similarity "alike" is unknown; choose one of: different, similar'):
        T.strategy("small", "alike")
    with pytest.raises(ValueError, match='size "tiny" is unknown; choose one of: large, small'):
        T.strategy("tiny", "similar")
