/*
 * model.h - an opened model: read-only, mapped, shared by all threads.
 */
#ifndef LATENTD_MODEL_H
#define LATENTD_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include <latentd/error.h>
#include <latentd/json.h>
#include <latentd/params.h>

struct ltd_model;

/* What a server tells about a model.  Strings live as long as the model. */
struct ltd_model_info {
    const char *family; /* "sd1": one CLIP text encoder (Stable Diffusion 1 and 2); "sdxl": two, and a
                           pooled text; "sdxl-refiner": the second of them alone */
    const char *prediction_type; /* "epsilon", "v_prediction", "sample" */
    const char *scheduler_class; /* as scheduler_config.json names it */
    const char *dtype;           /* of the U-Net's weights: "f32", "f16", "bf16", "mixed" */
    const char *about;           /* latentd.json's "about" line, or "" */
    const char *vae;             /* the name of the file or folder of a VAE in place of its own, or "" */
    uint64_t parameters;         /* weights of all networks */
    uint64_t file_bytes;         /* of all weight files */
    int vae_factor;              /* pixels a side of one latent pixel */
    int latent_channels;
    bool inpaints;                   /* is shown a mask and what it leaves of the picture at every step */
    bool edits;                      /* is shown the picture at every step, and always needs one */
    int token_limit;                 /* prompt tokens with start and end mark; what is beyond is cut */
    int native_width, native_height; /* pixels the model was trained at */
    int text_layers;                 /* clip_skip may leave out up to text_layers - 1 */
};

/* Opens a diffusers folder (model_index.json beside tokenizer/ text_encoder/ unet/ vae/ scheduler/, and
 * for Stable Diffusion XL tokenizer_2/ text_encoder_2/), or one .safetensors or .gguf file with the names
 * that Stable Diffusion 1, 2, XL or its refiner was first published with (its vocabulary lies beside it, or
 * is CLIP's own), and checks every tensor's name, shape and place in its file.  The caller closes it after
 * every session on it is freed. Errors: LTD_ENOTFOUND, LTD_EFORMAT (names file and tensor), LTD_EUNSUPPORTED,
 * LTD_EIO, LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status ltd_model_open(const char *path, struct ltd_model **out, struct ltd_error *err);
/* The same with the VAE at `vae` in place of the model's own, which may then be absent from a file; NULL: its
 * own.  That is a diffusers folder (AutoencoderKL, AutoencoderTiny), or a .safetensors file with the names of
 * diffusers or of the first publication, alone or in a checkpoint; or the decoder of a tiny autoencoder as it
 * was first published, beside its encoder.  Errors: the same; LTD_EUNSUPPORTED it is for other latents. */
LTD_MUST_USE enum ltd_status ltd_model_open_with(const char *path, const char *vae, struct ltd_model **out,
                                                 struct ltd_error *err);
/* The same without reading a weight, and with the weight files closed again: it tells everything of the model
 * that can be told, but no session draws with it.  Errors: the same, but for weights that are not finite,
 * which only ltd_model_open finds. */
LTD_MUST_USE enum ltd_status ltd_model_open_shapes(const char *path, const char *vae, struct ltd_model **out,
                                                   struct ltd_error *err);
void ltd_model_close(struct ltd_model *model); /* NULL is fine */

/* Is there a model at path?  Looks at model_index.json, or at the names of the tensors of a file, alone.
 * Errors: LTD_ENOTFOUND; LTD_EFORMAT, LTD_EUNSUPPORTED something else; LTD_EIO, LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status ltd_model_look(const char *path, struct ltd_error *err);

const struct ltd_model_info *ltd_model_info(const struct ltd_model *model);

/* What a file of an embeddings' folder came to.  Strings live as long as the model. */
struct ltd_embedding {
    const char *name;    /* the word of prompts that calls it: the file's name without its ending */
    int vectors;         /* that it puts in place of the word; 0: it is no use to this model */
    int width;           /* values of a vector; 0 as well */
    const char *refused; /* why it is none; NULL: it is */
};

/* Reads the textual inversion embeddings of a folder and of those in it (*.safetensors), whose names prompts
 * may then use.  A file that is malformed or fits another model is refused by itself; so are pickles (*.pt,
 * *.bin), which are never read.  Before the model is shared, and once.  Errors: LTD_ENOTFOUND, LTD_EIO the
 * folder cannot be read; LTD_ETOOBIG, LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status ltd_model_add_embeddings(struct ltd_model *model, const char *dir,
                                                      struct ltd_error *err);
size_t ltd_model_embedding_count(const struct ltd_model *model);
struct ltd_embedding ltd_model_embedding(const struct ltd_model *model, size_t i);

/* What a file of a LoRAs' folder came to.  Strings live as long as the model. */
struct ltd_lora_info {
    const char *name;    /* that requests call it by: the file's name without its ending */
    int layers;          /* of the model that it changes; 0: it is no use to this model */
    const char *refused; /* why it is none; NULL: it is */
};

/* Looks at the low-rank adapters of a folder and of those in it (*.safetensors: LoRA, LoHa, LoKr, DoRA),
 * which requests may then name; their values are read when one does.  A file that is malformed or made for
 * another model is refused by itself; so are pickles, which are never read.  Before the model is shared, and
 * once.  Errors: LTD_ENOTFOUND, LTD_EIO the folder cannot be read; LTD_ETOOBIG, LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status ltd_model_add_loras(struct ltd_model *model, const char *dir,
                                                 struct ltd_error *err);
size_t ltd_model_lora_count(const struct ltd_model *model);
struct ltd_lora_info ltd_model_lora(const struct ltd_model *model, size_t i);

/* What a file or a folder of a ControlNets' folder came to.  Strings live as long as the model. */
struct ltd_control_net_info {
    const char *name;    /* that requests call it by: the folder's, or the file's without its ending */
    const char *refused; /* why it is no use to this model; NULL: it is */
};

/* Looks at the control networks of a folder and of those in it: diffusers folders, and *.safetensors with
 * diffusers' names, which requests may then name; their values are read when one does.  What is malformed or
 * made for another model is refused by itself; so are pickles, which are never read.  Before the model is
 * shared, and once.  Errors: LTD_ENOTFOUND, LTD_EIO the folder cannot be read; LTD_ETOOBIG, LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status ltd_model_add_control_nets(struct ltd_model *model, const char *dir,
                                                        struct ltd_error *err);
size_t ltd_model_control_net_count(const struct ltd_model *model);
struct ltd_control_net_info ltd_model_control_net(const struct ltd_model *model, size_t i);

struct ltd_upscalers;
/* What second passes may name in hr_network; borrowed, and longer-lived than the model.  Before the model is
 * shared, and once. */
void ltd_model_use_upscalers(struct ltd_model *model, const struct ltd_upscalers *upscalers);
/* What ltd_params_default says from now on, whatever the model recommends.  Before the model is shared. */
void ltd_model_prefer_precision(struct ltd_model *model, enum ltd_precision precision);

/* The size of the result where it is not a part of the init image: width and height, times hr_scale. */
void ltd_params_final_size(const struct ltd_model *model, const struct ltd_gen_params *params, int *width,
                           int *height);

/* What a request to this model is when it says nothing: from latentd.json, else scheduler_config.json, else
 * the other configs, else the engine's table.  The prompt is "", the seed 0. */
struct ltd_gen_params ltd_params_default(const struct ltd_model *model);

/* One finding about a request: field is the wire name ("width"), warning says that the picture will be drawn,
 * otherwise than asked. */
typedef void ltd_finding_fn(void *arg, bool warning, const char *field, const char *message);

/* Tells everything that is wrong with params for this model (limits of the engine, not of a server), and
 * every warning (prompt cut, size far from the native one).  Returns true when there is no error; then
 * ltd_session_generate will not answer LTD_EINVAL.  Safe on any thread.  found may be NULL. */
bool ltd_params_check(const struct ltd_model *model, const struct ltd_gen_params *params,
                      ltd_finding_fn *found, void *arg);

/* A report on a model folder or a single .safetensors or .gguf file, with the VAE at `vae` in place of its
 * own (NULL: its own), as a JSON object, which the caller frees: family, parts, tensors with shapes and
 * dtypes, what is missing and what is unused.  A folder that cannot be loaded still gives a report, with
 * "error" saying why.  Errors: LTD_ENOTFOUND, LTD_EFORMAT nothing of a model at path, LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status ltd_model_inspect(const char *path, const char *vae, struct ltd_json **out,
                                               struct ltd_error *err);

#endif
