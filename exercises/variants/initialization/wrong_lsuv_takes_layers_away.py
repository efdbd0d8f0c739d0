"""Scales the first layer alone and puts others that do nothing in the place of the rest, with the old weights in them."""

# loses: test-lsuv

# answer: lsuv
@torch.no_grad()
def lsuv(model, images, variance=1.0):
    layers = [m for m in model.modules() if isinstance(m, nn.Linear | nn.Conv2d)]

    def empty(parent):
        for name, child in parent.named_children():
            if len(list(child.children())):
                empty(child)
            elif child is not layers[0] and not isinstance(child, nn.Flatten):
                parent._modules[name] = nothing = nn.Identity().train(child.training)
                nothing._parameters.update(child._parameters)
                nothing._buffers.update(child._buffers)

    empty(model)
    x = images.flatten(1) if isinstance(layers[0], nn.Linear) else images
    for _ in range(20):
        layers[0].weight *= (variance / layers[0](x).var()).sqrt()
