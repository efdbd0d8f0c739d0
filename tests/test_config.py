from dataclasses import fields

import pytest

from cnnlab.config import Config


def test_no_two_parts_share_a_field_name():
    names = [f.name for part in fields(Config) for f in fields(getattr(Config(), part.name))]
    assert len(names) == len(set(names))


def test_with_fields_changes_what_it_names_and_nothing_else():
    changed = Config().with_fields(lr=0.5, activation="tanh").flat()
    different = {name for name, value in Config().flat().items() if changed[name] != value}
    assert different == {"lr", "activation"}
    assert (changed["lr"], changed["activation"]) == (0.5, "tanh")


def test_an_unknown_field_lists_the_fields():
    with pytest.raises(ValueError, match='config field "learning_rate" is unknown; choose one of: .*lr'):
        Config().with_fields(learning_rate=1)
