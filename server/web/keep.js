/* What this browser keeps, whatever the server forgets: the jobs with their pictures, in IndexedDB, and small settings
 * in localStorage.  Where a browser keeps nothing (a private window may), the page works until it is closed. */

const NAME = 'latentd', STORE = 'jobs';

let opening = null;

function open() {
    opening ??= new Promise((resolve, reject) => {
        const request = indexedDB.open(NAME, 1);

        request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: 'id' });
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
    });
    return opening;
}

async function withStore(mode, use) {
    const database = await open();

    return new Promise((resolve, reject) => {
        const change = database.transaction(STORE, mode);
        const request = use(change.objectStore(STORE));

        change.oncomplete = () => resolve(request.result);
        change.onerror = () => reject(change.error);
        change.onabort = () => reject(change.error);
    });
}

/* All jobs, or none when nothing can be kept. */
export async function keptJobs() {
    try {
        return await withStore('readonly', (store) => store.getAll());
    } catch {
        return [];
    }
}

/* False: it could not be kept. */
export async function keepJob(job) {
    try {
        await withStore('readwrite', (store) => store.put(job));
        return true;
    } catch {
        return false;
    }
}

export async function forgetJob(id) {
    try {
        await withStore('readwrite', (store) => store.delete(id));
    } catch {
        /* Then it was not kept either. */
    }
}

export function getNote(name) {
    try {
        return JSON.parse(localStorage.getItem(`latentd.${name}`));
    } catch {
        return null;
    }
}

export function setNote(name, value) {
    try {
        localStorage.setItem(`latentd.${name}`, JSON.stringify(value));
    } catch {
        /* A setting more to choose again. */
    }
}
