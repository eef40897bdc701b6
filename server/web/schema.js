/* What the form may ask for: the fields with types, bounds and help as /api/v1/capabilities has them, and the models
 * with their defaults.  What a server does not tell is left to it: it judges every request anyway. */

import { Problem, getJson } from './api.js';

/* Enough to draw with. */
const LEAST = {
    prompt: { type: 'string' },
    negative_prompt: { type: 'string' },
    seed: { type: 'integer' },
    steps: { type: 'integer', minimum: 1 },
    cfg_scale: { type: 'number', minimum: 0 },
    width: { type: 'integer', minimum: 1 },
    height: { type: 'integer', minimum: 1 },
    count: { type: 'integer', minimum: 1, default: 1 },
    image: { type: 'string' },
    strength: { type: 'number', exclusiveMinimum: 0, maximum: 1 },
};

/* The form shows what a field is when it is absent: its help need not say so. */
function helpOf(schema) {
    return (schema.description ?? '').replace(/\. When it is absent: .*$/, '');
}

function fieldOf(name, schema, labels) {
    return {
        name,
        type: schema.enum ? 'choice' : schema.type,
        choices: schema.enum ?? [],
        labels,
        low: schema.minimum ?? schema.exclusiveMinimum,
        high: schema.maximum,
        step: schema.multipleOf ?? (schema.type === 'integer' ? 1 : null),
        standard: schema.default,
        help: helpOf(schema),
    };
}

function labelsOf(list) {
    return new Map((list ?? []).map(({ name, label }) => [name, label]));
}

async function capabilities() {
    try {
        return await getJson('api/v1/capabilities');
    } catch (problem) {
        if (problem instanceof Problem)
            return {};
        throw problem;
    }
}

export async function loadSchema() {
    const [told, { models }] = await Promise.all([capabilities(), getJson('api/v1/models')]);
    const labels = { sampler: labelsOf(told.samplers), scheduler: labelsOf(told.schedulers) };
    const fields = new Map();

    for (const [name, schema] of Object.entries(told.request?.properties ?? LEAST))
        fields.set(name, fieldOf(name, schema, labels[name] ?? new Map()));
    return { fields, models, limits: told.limits ?? {} };
}
