/* Before anything is painted: light or dark, where this browser has been told; else what its system says. */
(function () {
    let theme = null;

    try {
        theme = JSON.parse(localStorage.getItem('latentd.theme'));
    } catch {
        /* A browser that keeps nothing follows its system. */
    }
    if (theme === 'light' || theme === 'dark')
        document.documentElement.dataset.theme = theme;
})();
