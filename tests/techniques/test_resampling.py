import random
import time

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cnnlab.techniques import resampling as R


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.rows("S01")
def test_a_strided_convolution_is_a_subsampled_one():
    draw = random.Random(0)
    for seed in range(30):
        kernel, padding, stride = draw.randint(1, 5), draw.randint(0, 3), draw.randint(1, 4)
        x, weight = drawn(2, 3, draw.randint(5, 12), draw.randint(5, 12), seed=seed), drawn(4, 3, kernel, kernel)
        strided = F.conv2d(x, weight, stride=stride, padding=padding)
        dense = F.conv2d(x, weight, padding=padding)
        torch.testing.assert_close(R.subsample(dense, stride), strided, rtol=0, atol=2e-5)


@pytest.mark.rows("S01")
@pytest.mark.parametrize(("kernel", "stride"), [(3, 2), (5, 2), (3, 1), (7, 1)])
def test_blur_pool_is_timms(kernel, stride):
    from timm.layers import BlurPool2d

    x = drawn(2, 3, 11, 12)
    theirs = BlurPool2d(3, filt_size=kernel, stride=stride)(x)
    torch.testing.assert_close(R.BlurPool2d(kernel, stride=stride)(x), theirs)


@pytest.mark.rows("S01")
def test_a_stride_turns_a_checkerboard_into_a_flat_image_of_a_wrong_gray_and_a_blur_does_not():
    checkerboard = (torch.arange(8)[:, None] + torch.arange(8)).remainder(2).float()[None, None]
    assert (R.subsample(checkerboard) == 0).all() and checkerboard.mean() == 0.5
    assert (R.BlurPool2d()(checkerboard) == 0.5).all()


@pytest.mark.rows("S01")
def test_blurring_moves_less_when_the_image_moves_by_one():
    image = drawn(1, 1, 33, 33)
    moved = {}
    for name in ("stride", "max", "blur", "max_blur"):
        down = R.downsampling(name)()
        before, after = down(image[..., :32, :32]), down(image[..., :32, 1:])
        moved[name] = ((before - after).std() / before.std()).item()
    assert moved["blur"] < 0.8 * moved["stride"] and moved["max_blur"] < 0.8 * moved["max"]


@pytest.mark.rows("S01")
def test_max_blur_pool_blurs_the_dense_maxima_with_three_taps():
    x, down = torch.zeros(1, 1, 9, 9), R.max_blur_pool()
    x[0, 0, 4, 4] = 16  # the maximum of four windows, at 3 and 4; outputs stand at 0, 2, 4, 6
    assert down(x)[0, 0].tolist() == [[0, 0, 0, 0], [0, 1, 3, 0], [0, 3, 9, 0], [0, 0, 0, 0]]


POOLS = {
    "2/2": (nn.MaxPool2d(2), nn.AvgPool2d(2)),
    "3/2": (nn.MaxPool2d(3, 2, 1), nn.MaxPool2d(3, 2, dilation=2)),
    "3/3": (nn.AvgPool2d(3), nn.MaxPool2d(2)),
}


def net(*pools: nn.Module) -> nn.Sequential:
    layers = [nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), pools[0], nn.Conv2d(4, 6, 5, padding=2), nn.BatchNorm2d(6)]
    return nn.Sequential(nn.Sequential(*layers, pools[1]), nn.Conv2d(6, 5, 1))


@pytest.mark.rows("S02")
@pytest.mark.parametrize("name", POOLS)
@pytest.mark.parametrize("side", [16, 21])
def test_replacing_pools_by_convolutions_leaves_every_shape(name, side):
    model, images = net(*POOLS[name]), drawn(2, 3, side, side)
    new, shapes = R.replace_pools(model, images), []
    for each in (model, new):
        seen, x = [], images
        for layer in [*each[0], each[1]]:
            x = layer(x)
            seen.append(x.shape)
        shapes.append(seen)
    assert shapes[0] == shapes[1]
    assert not any(isinstance(m, R.POOLS) for m in new.modules())
    assert sum(isinstance(m, R.POOLS) for m in model.modules()) == 2  # a copy was changed


@pytest.mark.rows("S02")
def test_looking_at_the_shapes_leaves_the_running_statistics():
    model = net(nn.MaxPool2d(2), nn.MaxPool2d(2)).train()
    new = R.replace_pools(model, drawn(2, 3, 16, 16))
    assert new[0][4].num_batches_tracked == 0 and new.training and not new[0][2][0]._forward_pre_hooks


@pytest.mark.rows("S02")
def test_moving_strides_into_convolutions_keeps_the_maps_and_costs_a_quarter():
    from torch.utils.flop_counter import FlopCounterMode

    model, images = net(nn.MaxPool2d(2), nn.AvgPool2d(2)), drawn(2, 3, 16, 16)
    new = R.pools_to_strides(model)
    assert new(images).shape == model(images).shape
    assert [m.stride for m in new.modules() if isinstance(m, nn.Conv2d)] == [(2, 2), (2, 2), (1, 1)]
    costs = []
    for each in (model[0][:1], new[0][:1]):
        with FlopCounterMode(display=False) as counter:
            each(images)
        costs.append(counter.get_total_flops())
    assert costs[0] == 4 * costs[1]


@pytest.mark.rows("S02")
def test_a_moved_stride_is_the_old_network_with_its_pools_subsampling():
    model, images = net(nn.MaxPool2d(1, 2), nn.MaxPool2d(1, 2)).eval(), drawn(2, 3, 16, 16)
    torch.testing.assert_close(R.pools_to_strides(model)(images), model(images))


@pytest.mark.rows("S02")
@pytest.mark.parametrize("second", [4, 6])
def test_a_layer_used_twice_is_refused_and_leaves_no_hooks(second):
    pool, conv, images = nn.MaxPool2d(2), nn.Conv2d(4, 4, 3, padding=1), drawn(2, 3, 16, 16)
    stem, between = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, second, 3, padding=1)
    shared = nn.Sequential(stem, pool, between, pool)
    with pytest.raises(ValueError, match="pool \"1\" must be used once; got 'a second use'"):
        R.replace_pools(shared, images)
    assert not pool._forward_pre_hooks
    block = nn.Sequential(conv, nn.ReLU(), nn.MaxPool2d(2))
    for model in (shared, nn.Sequential(stem, block, block), nn.Sequential(stem, conv, nn.MaxPool2d(2), conv)):
        with pytest.raises(ValueError, match="and what stands before must be used once; got 'a layer twice'"):
            R.pools_to_strides(model)


@pytest.mark.rows("S12")
@pytest.mark.parametrize("norm", [nn.BatchNorm1d(16), nn.LayerNorm(16)], ids=["batch", "layer"])
def test_a_head_that_normalizes_vectors_is_refused(norm):
    model = classifier().eval()
    model.insert(9, norm)
    with pytest.raises(ValueError, match=f"head must be without a normalization of vectors.*{type(norm).__name__}"):
        R.fully_convolutional(model, drawn(1, 3, 12, 12))


def classifier() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 8, 3), nn.ReLU(),
        nn.Flatten(), nn.Dropout(), nn.Linear(8 * 3 * 3, 16), nn.ReLU(), nn.Linear(16, 10),
    )  # fmt: skip


@pytest.mark.rows("S12")
def test_the_dense_classifier_equals_the_classifier_at_its_own_size():
    model, images = classifier().eval(), drawn(4, 3, 12, 12)
    dense = R.fully_convolutional(model, images)(images)
    assert dense.shape == (4, 10, 1, 1)
    torch.testing.assert_close(dense.flatten(1), model(images), rtol=0, atol=1e-6)


@pytest.mark.rows("S12")
def test_the_dense_classifier_on_a_larger_image_equals_sliding_windows_and_is_faster():
    model, images = classifier().eval(), drawn(1, 3, 40, 36)
    dense = R.fully_convolutional(model, images[..., :12, :12])
    with torch.no_grad():
        dense(images)
        start = time.perf_counter()
        whole = dense(images)
        middle = time.perf_counter()
        slid = [model(images[..., y : y + 12, x : x + 12]) for y in range(0, 29, 2) for x in range(0, 25, 2)]
        end = time.perf_counter()
    torch.testing.assert_close(whole[0].flatten(1).T, torch.cat(slid), rtol=0, atol=1e-5)
    assert whole.shape == (1, 10, 15, 13)
    assert middle - start < (end - middle) / 3


@pytest.mark.rows("S12")
def test_a_dense_layer_on_3x3_maps_gives_a_5x5_map_on_7x7():
    from cnnlab.techniques.kernels import linear_to_conv

    linear, x = nn.Linear(256 * 9, 10), drawn(2, 256, 7, 7)
    conv = linear_to_conv(linear, (256, 3, 3))
    assert conv(x).shape == (2, 10, 5, 5)
    for y, z in ((0, 0), (2, 4), (4, 1)):
        torch.testing.assert_close(
            conv(x)[..., y, z], linear(x[..., y : y + 3, z : z + 3].flatten(1)), rtol=0, atol=2e-6
        )


@pytest.mark.rows("S12")
def test_the_model_that_was_converted_stays_as_it_was():
    model = classifier().train()
    R.fully_convolutional(model, drawn(2, 3, 12, 12))
    assert model[1].num_batches_tracked == 0 and isinstance(model[8], nn.Linear) and model.training


def test_an_unknown_downsampling_lists_the_choices():
    with pytest.raises(ValueError, match='downsampling "lanczos" is unknown; choose one of: blur, max, max_blur, str'):
        R.downsampling("lanczos")
