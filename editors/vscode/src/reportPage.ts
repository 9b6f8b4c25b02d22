/** The report's page within a panel: in the colours of the theme, which need not be the system's, and without the panel's own styles. */

const SYSTEM = "(prefers-color-scheme: dark)";

/** What the panel gives `body` and `code` of its own accord. */
const UNDONE = "<style>body { background: var(--page); color: var(--ink); font: inherit } code { background: none; color: inherit; padding: 0 }</style>";

const NOTICE = `<style>
.qnn-notice { position: sticky; top: 0; z-index: 9; margin: 0 0 1rem; padding: .5rem .75rem; border: 2px solid var(--ink); background: var(--page); color: var(--ink); font-weight: 600 }
@media print { .qnn-notice { position: static } }
</style>`;

/** `notice`: what is to be said above the report, for it is not of the present text. */
export function inPanel(html: string, dark: boolean, notice?: string): string {
    const [head, body] = cut(html, "</head>");
    const rest = notice === undefined ? body : body.replace(/<body[^>]*>/, (tag) => `${tag}${NOTICE}<p class="qnn-notice" role="status">${escaped(notice)}</p>`);
    const themed = head
        .replaceAll(SYSTEM, dark ? "(min-width: 0)" : "(max-width: 0)")
        .replace("color-scheme: light dark", `color-scheme: ${dark ? "dark" : "light"}`);
    return `${themed}${UNDONE}${rest}`;
}

function cut(text: string, at: string): [string, string] {
    const index = text.indexOf(at);
    return index < 0 ? ["", text] : [text.slice(0, index), text.slice(index)];
}

function escaped(text: string): string {
    return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
