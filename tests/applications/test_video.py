import pytest
import torch
from torch import nn

from cnnlab.applications.learning import accuracy, learn
from cnnlab.applications.video import DIRECTIONS, FUSIONS, fusion, inflate, moving_shapes

pytestmark = pytest.mark.rows("U06")


@pytest.mark.parametrize("frames", [1, 3, 4])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"stride": (2, 1), "padding": (1, 2), "bias": False},
        {"dilation": 2, "groups": 2, "padding": 1, "padding_mode": "reflect"},
    ],
    ids=["plain", "stride", "groups"],
)
def test_on_a_static_clip_the_inflated_layer_gives_the_2d_output(frames, options):
    torch.manual_seed(0)
    conv, image = nn.Conv2d(4, 6, 3, **options), torch.randn(2, 4, 9, 8)
    clip = image[:, :, None].expand(-1, -1, 6, -1, -1)
    want = conv(image)[:, :, None].expand(-1, -1, 7 - frames, -1, -1)
    torch.testing.assert_close(inflate(conv, frames)(clip), want, rtol=0, atol=1e-5)


def test_over_three_frames_it_has_three_times_the_weights_and_the_same_biases():
    conv = nn.Conv2d(4, 6, 3)
    deep = inflate(conv, 3)
    assert deep.weight.numel() == 3 * conv.weight.numel() == nn.Conv3d(4, 6, 3).weight.numel()
    assert torch.equal(deep.bias, conv.bias) and deep.bias.data_ptr() != conv.bias.data_ptr()


def test_on_a_moving_clip_it_gives_the_mean_of_the_2d_outputs():
    conv, clip = nn.Conv2d(1, 2, 3, padding=1), moving_shapes(3, frames=3).clips
    each = torch.stack([conv(clip[:, :, t]) for t in range(3)])
    torch.testing.assert_close(inflate(conv, 3)(clip)[:, :, 0], each.mean(0))


def test_named_padding_is_refused():
    with pytest.raises(ValueError, match="padding must be a number; got 'same'"):
        inflate(nn.Conv2d(1, 1, 3, padding="same"), 2)


@pytest.mark.parametrize(("step", "frames"), [(2, 4), (5, 3)])
def test_a_figure_rolls_in_its_direction(step, frames):
    drawn = moving_shapes(40, step=step, frames=frames)
    for clip, label in zip(drawn.clips[:, 0], drawn.labels.tolist(), strict=True):
        dx, dy = {"right": (1, 0), "down": (0, 1), "left": (-1, 0), "up": (0, -1)}[DIRECTIONS[label]]
        for before, after in zip(clip, clip[1:], strict=False):
            assert torch.equal(after, before.roll((step * dy, step * dx), dims=(0, 1)))


def test_all_figures_and_directions_occur():
    drawn = moving_shapes(400)
    assert drawn.labels.bincount().min() > 60 and drawn.clips.flatten(2).sum(2).unique().numel() > 100
    with pytest.raises(ValueError, match="size must be a divisor of 32; got 20"):
        moving_shapes(2, size=20)


def test_the_mean_of_frames_is_blind_to_the_arrow_of_time_and_the_others_are_not():
    torch.manual_seed(0)
    clips = moving_shapes(8).clips
    for name in FUSIONS:
        net = fusion(name)(1, 4, frames=4, size=16)
        assert torch.allclose(net(clips), net(clips.flip(2)), rtol=0, atol=1e-6) == (name == "mean")


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("single", 0.15, 0.35), ("mean", 0.35, 0.65), ("late", 0.9, 1), ("early", 0.9, 1), ("conv3d", 0.9, 1)],
)
def test_direction_is_told_by_all_frames_in_order_and_by_none_alone(name, low, high):
    torch.manual_seed(0)
    train, test = moving_shapes(2000), moving_shapes(500, seed=1)
    net = fusion(name)(1, 4, frames=4, size=16)
    learn(net, [train.clips], train.labels, steps=150, lr=0.003)
    assert low <= accuracy(net, [test.clips], test.labels) <= high  # chance is 1/4; the mean knows the axis: 1/2


def test_an_unknown_fusion_lists_the_choices():
    with pytest.raises(ValueError, match='fusion "slow" is unknown; choose one of: conv3d, early, late, mean, single'):
        fusion("slow")
