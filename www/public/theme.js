// Runs before the first paint, so that a reader who chose dark never sees a white flash.
// A file of its own because the page's content policy allows no inline script.
try {
  const theme = localStorage.getItem('nudge-theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be blocked; the system's choice then holds.
}
