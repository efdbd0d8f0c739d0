from contract import Case, images, seeded

from cnnlab.techniques.augmentation import AUGMENTATIONS, augment

CASES = {
    name: Case(
        lambda name=name: lambda x: augment(x, name, seeded()),
        images(3, 2, 8, 8),
        why_not={} if name == "none" else {"vmap": "it draws on the CPU for each image, which vmap refuses"},
    )
    for name in AUGMENTATIONS
}
