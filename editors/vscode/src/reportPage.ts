/** The report's page within a panel: in the colours of the theme, which need not be the system's, and without the panel's own styles. */

const SYSTEM = "(prefers-color-scheme: dark)";

/** What the panel gives `body` and `code` of its own accord. */
const UNDONE = "<style>body { background: var(--page); color: var(--ink); font: inherit } code { background: none; color: inherit; padding: 0 }</style>";

export function inPanel(html: string, dark: boolean): string {
    const [head, rest] = cut(html, "</head>");
    const themed = head
        .replaceAll(SYSTEM, dark ? "(min-width: 0)" : "(max-width: 0)")
        .replace("color-scheme: light dark", `color-scheme: ${dark ? "dark" : "light"}`);
    return `${themed}${UNDONE}${rest}`;
}

function cut(text: string, at: string): [string, string] {
    const index = text.indexOf(at);
    return index < 0 ? ["", text] : [text.slice(0, index), text.slice(index)];
}
