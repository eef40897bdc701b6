"""What a request leaves out to be faster, done to a diffusers pipeline by hooks: the whole network still runs, and
what the engine would not have computed is put in place of what it has."""

import contextlib

# With a guidance scale of 1 and below the pipelines would go over to one row in the middle of a run.
NO_GUIDANCE = 1.0000001


class Approximations:
    """Guidance in an interval of the steps (Kynkäänniemi et al. 2024), and DeepCache's branch 0 (Ma et al. 2023)."""

    def __init__(self, pipe, request):
        self.pipe = pipe
        self.scale = request["cfg_scale"]
        self.start = request.get("guidance_start", 0.0)
        self.end = request.get("guidance_end", 1.0)
        self.interval = request.get("deepcache_interval", 1)
        self.evaluation = -1
        self.guided = False
        self.whole = True
        self.deep = None

    def before_unet(self, _unet, _inputs):
        """Sets the scale of the evaluation that begins, and whether its deep layers count."""
        count = getattr(self.pipe, "num_timesteps", len(self.pipe.scheduler.timesteps))
        self.evaluation += 1
        guided = self.scale > 1 and int(self.start * count) <= self.evaluation < int(self.end * count)
        begins = guided and not self.guided
        self.whole = self.evaluation % self.interval == 0 or begins
        self.guided = guided
        if self.scale > 1:
            self.pipe._guidance_scale = self.scale if guided else NO_GUIDANCE

    def before_last_layer(self, _resnet, inputs):
        """The feature map of the deep layers stands before the skip connection from conv_in."""
        joined, *rest = inputs
        channels = joined.shape[1] - self.pipe.unet.config.block_out_channels[0]
        joined = joined.clone()
        if self.whole:
            self.deep = joined[:, :channels].clone()
        else:
            joined[:, :channels] = self.deep
        return (joined, *rest)

    @contextlib.contextmanager
    def applied(self):
        """While this lasts, the pipeline leaves out what the request does."""
        hooks = [self.pipe.unet.register_forward_pre_hook(self.before_unet)]
        if self.interval > 1:
            last = self.pipe.unet.up_blocks[-1].resnets[-1]
            hooks.append(last.register_forward_pre_hook(self.before_last_layer))
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()
