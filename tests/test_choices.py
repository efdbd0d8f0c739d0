import pytest

from cnnlab.choices import choose, demand


def test_an_unknown_name_lists_the_choices():
    with pytest.raises(ValueError, match='activation "elux" is unknown; choose one of: elu, relu'):
        choose({"relu": 1, "elu": 2}, "elux", "activation")


def test_a_known_name_gives_its_value():
    assert choose({"relu": 1, "elu": 2}, "elu", "activation") == 2


def test_a_demand_says_what_was_given_and_what_is_allowed():
    demand(True, "p", 0.5, "below 1")
    with pytest.raises(ValueError, match=r"^p must be at least 0 and below 1; got 1.5$"):
        demand(False, "p", 1.5, "at least 0 and below 1")
