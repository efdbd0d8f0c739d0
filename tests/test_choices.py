import pytest

from cnnlab.choices import choose


def test_an_unknown_name_lists_the_choices():
    with pytest.raises(ValueError, match='activation "elux" is unknown; choose one of: elu, relu'):
        choose({"relu": 1, "elu": 2}, "elux", "activation")


def test_a_known_name_gives_its_value():
    assert choose({"relu": 1, "elu": 2}, "elu", "activation") == 2
