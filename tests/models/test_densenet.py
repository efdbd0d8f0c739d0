import pytest
import torch
from model_oracles import hollow, maps, parameters

from cnnlab.arithmetic.receptive import receptive_field
from cnnlab.models.densenet import DenseBlock, cifar_densenet, densenet, layer

pytestmark = pytest.mark.rows("H15")


def test_densenet_bc_100_12_has_769162_parameters():
    count, channels = 27 * 24, 24
    for block in range(3):
        for _ in range(16):
            count += 2 * channels + channels * 48 + 2 * 48 + 9 * 48 * 12
            channels += 12
        if block < 2:
            count += 2 * channels + channels * (channels // 2)
            channels //= 2
    count += 2 * channels + (channels + 1) * 10
    assert parameters(cifar_densenet) == count == 769_162


def test_densenet_40_12_has_about_a_million():
    assert round(parameters(lambda: cifar_densenet(depth=40, bottleneck=False)) / 1e6, 1) == 1.0
    assert round(parameters(lambda: cifar_densenet(depth=100, bottleneck=False)) / 1e6, 1) == 7.0
    assert round(parameters(lambda: cifar_densenet(depth=100, growth=24, bottleneck=False)) / 1e6, 1) == 27.2
    assert round(parameters(lambda: cifar_densenet(depth=250, growth=24)) / 1e6, 1) == 15.3


def test_the_channel_ledger_is_k0_plus_k_times_the_layers_before():
    with torch.device("meta"):
        block = DenseBlock(24, 16, growth=12)
    assert [each[2].in_channels for each in block.layers] == [24 + 12 * before for before in range(16)]
    assert block.out_channels == 24 + 12 * 16
    net = hollow(cifar_densenet)
    assert [channels for channels, *_ in maps(net, (3, 32, 32), (DenseBlock,))] == [216, 300, 342]
    assert [side for *_, side in maps(net, (3, 32, 32), (DenseBlock,))] == [32, 16, 8]


def test_a_block_is_torchvisions():
    from torchvision.models.densenet import _DenseBlock

    theirs = _DenseBlock(3, 8, bn_size=4, growth_rate=4, drop_rate=0.0)
    ours = DenseBlock(8, 3, growth=4)
    ours.load_state_dict(dict(zip(ours.state_dict(), theirs.state_dict().values(), strict=True)))
    x = torch.randn(2, 8, 5, 5)
    torch.testing.assert_close(ours(x), theirs(x))


def test_the_input_of_a_block_is_still_there_at_its_end():
    x = torch.randn(2, 8, 5, 5)
    assert torch.equal(DenseBlock(8, 3, growth=4, bottleneck=False)(x)[:, :8], x)
    assert len(layer(8, 4, False)) == 3


def test_the_net_for_imagenet_has_the_parameters_of_timms():
    import timm

    count = parameters(lambda: timm.create_model("densenet121"))
    assert parameters(densenet) == count == 7_978_856


def test_densenet_bc_sees_what_its_longest_path_sees():
    # one 3x3 a layer, n a block: 1 + 2 + 2n, an average pool adds the jump, and the jump doubles
    n = 16
    size = 1 + 2 + 2 * n + 1 + 4 * n + 2 + 8 * n
    seen = receptive_field(hollow(cifar_densenet)[:-2], (1, 3, 64, 64))
    assert (seen.size[0], seen.jump[0]) == (size, 4)


def test_a_depth_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"depth must be 6n \+ 4: 10, 16, 22, ...; got 101"):
        cifar_densenet(depth=101)
    with pytest.raises(ValueError, match=r"depth must be 3n \+ 4: 7, 10, 13, ...; got 41"):
        cifar_densenet(depth=41, bottleneck=False)
