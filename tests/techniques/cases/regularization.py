from contract import Case, images

from cnnlab.techniques.regularization import PENALTIES, elastic_net_step, soft_threshold

OF = {"l1": {"strength": 0.1}, "l2": {"strength": 0.1}, "elastic_net": {"l1": 0.1, "l2": 0.2}}
CASES = {
    name: Case(
        lambda penalty=penalty, strengths=OF[name]: lambda w: penalty([w], **strengths),
        images(4, 3, 3, 3),
    )
    for name, penalty in PENALTIES.items()
} | {
    "soft_threshold": Case(lambda: lambda w: soft_threshold(w, 0.3), images(4, 3, 3, 3)),
    "elastic_net_step": Case(lambda: lambda w: elastic_net_step(w, 0.1, l1=1.0, l2=0.5), images(4, 3, 3, 3)),
}
