from functools import partial

import torch
from contract import Case, images

from cnnlab.techniques import normalization as N

FORMULAS = {
    "batch_norm": N.batch_norm,
    "layer_norm": N.layer_norm,
    "instance_norm": N.instance_norm,
    "local_response_norm": N.local_response_norm,
}
CASES = {name: Case(partial(N.normalize, name, 4), images(3, 4, 5, 5)) for name in N.NORMALIZATIONS}
CASES["local_response"] = Case(
    partial(N.normalize, "local_response", 4),
    images(3, 4, 5, 5),
    why_not={"half": "torch has no 3-D average pool in float16 on the CPU"},
)
CASES |= {name: Case(lambda f=f: f, images(3, 4, 5, 5)) for name, f in FORMULAS.items()}
CASES["local_response_norm"] = Case(
    lambda: N.local_response_norm,
    images(3, 4, 5, 5),
    bad=((lambda: N.local_response_norm(torch.zeros(1, 2), size=0), "size must be at least 1; got 0"),),
)
CASES["group_norm"] = Case(
    lambda: partial(N.group_norm, groups=2),
    images(3, 4, 5, 5),
    bad=((lambda: N.group_norm(torch.zeros(1, 4, 2), 3), "groups must be a divisor of the 4 channels; got 3"),),
)
CASES["BatchNorm"] = Case(lambda: N.BatchNorm(4), images(3, 4, 5, 5))
CASES["BatchNorm_training"] = Case(
    lambda: N.BatchNorm(4),
    images(3, 4, 5, 5),
    training=True,
    why_not={"vmap": "the running statistics are moved in place"},
    bad=((lambda: N.BatchNorm(4)(torch.zeros(1, 4)), "in the batch must be at least 2, to have a variance; got 1"),),
)
CASES["conv_block"] = Case(
    partial(N.conv_block, 3, 4, placement="after"),
    images(2, 3, 6, 6),
    bad=((lambda: N.conv_block(3, 4, placement="beside"), 'placement "beside" is unknown; choose one of: after, bef'),),
)
