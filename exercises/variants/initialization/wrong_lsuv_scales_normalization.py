"""Scales every weight it finds by its output, batch normalization's and PReLU's too."""

# loses: test-lsuv

# answer: lsuv
@torch.no_grad()
def lsuv(model, images, variance=1.0):
    training = model.training
    model.eval()
    for name, layer in model.named_modules():
        if hasattr(layer, "weight"):
            for _ in range(20):
                seen = {}
                hook = layer.register_forward_hook(lambda m, x, output: seen.update({name: output}))
                model(images)
                hook.remove()
                layer.weight *= (variance / seen[name].var()).sqrt()
    model.train(training)
