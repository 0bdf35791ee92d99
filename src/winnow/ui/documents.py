"""Plain HTML around the page: signing in, choosing a password, and what stands where the page cannot.

No script, no file from elsewhere: it works in every browser, with a keyboard and with a screen reader.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from starlette.responses import HTMLResponse

_STYLE = """
:root{color-scheme:light dark;--ground:#f6f7f4;--card:#fff;--ink:#1d2420;--soft:#54605a;--line:#cbd3cd;
--mark:#2f6f4f;--on-mark:#fff;--wrong:#9c1c14;--wrong-ground:#fbecea}
@media (prefers-color-scheme:dark){:root{--ground:#141816;--card:#1d2320;--ink:#e8ece9;--soft:#a9b5ae;
--line:#414b45;--mark:#7cc39d;--on-mark:#10201a;--wrong:#f4aaa2;--wrong-ground:#3a1f1c}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1.5rem;background:var(--ground);
color:var(--ink);font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{width:100%;max-width:24rem;background:var(--card);border:1px solid var(--line);border-radius:.75rem;
padding:2rem}
.mark{color:var(--mark);font-weight:700;letter-spacing:.02em;margin:0 0 1.25rem}
h1{font-size:1.4rem;line-height:1.3;margin:0 0 .5rem}
p{margin:0 0 1rem;color:var(--soft)}
label{display:block;font-weight:600;margin:1rem 0 .3rem}
small{display:block;color:var(--soft);margin-top:.3rem}
input{width:100%;font:inherit;padding:.6rem .7rem;border:1px solid var(--soft);border-radius:.4rem;
background:var(--card);color:var(--ink)}
input:focus-visible,button:focus-visible,a:focus-visible{outline:3px solid var(--mark);outline-offset:2px}
button{width:100%;margin-top:1.5rem;font:inherit;font-weight:600;padding:.7rem;border:0;border-radius:.4rem;
background:var(--mark);color:var(--on-mark);cursor:pointer}
a{color:var(--mark)}
.wrong{background:var(--wrong-ground);color:var(--wrong);border-radius:.4rem;padding:.7rem .8rem}
.other{margin:1.25rem 0 0}
"""
_HASH = b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form. `fills` is what password managers put there; `hint` stands under the field."""

    name: str
    label: str
    kind: str = "text"
    fills: str = "off"
    value: str = ""
    hint: str = ""
    fixed: bool = False

    def draw(self, *, first: bool) -> str:
        """The field with its label; the first one that may be typed in has the cursor."""
        hint = f'<small id="{self.name}-hint">{escape(self.hint)}</small>' if self.hint else ""
        more = f' aria-describedby="{self.name}-hint"' if self.hint else ""
        more += " readonly" if self.fixed else ""
        more += " autofocus" if first else ""
        capital = ' autocapitalize="none" spellcheck="false"' if self.kind == "text" else ""
        return (
            f'<label for="{self.name}">{escape(self.label)}</label>'
            f'<input id="{self.name}" name="{self.name}" type="{self.kind}" autocomplete="{self.fills}" '
            f'value="{escape(self.value)}" required{capital}{more}>{hint}'
        )


@dataclass(frozen=True, slots=True)
class Form:
    """A form that is sent to the address where it stands. `about` is a sentence under its heading."""

    title: str
    about: str
    button: str
    fields: Sequence[Field] = ()
    after: str = ""

    def draw(self, problem: str | None, next_address: str) -> str:
        """The form, with what was wrong the last time, and where to go on to."""
        typed = next((field.name for field in self.fields if not field.fixed and not field.value), None)
        inputs = "".join(field.draw(first=field.name == typed) for field in self.fields)
        return (
            f"{_said(problem)}<form method='post'>"
            f'<input type="hidden" name="next" value="{escape(next_address)}">{inputs}'
            f'<button type="submit">{escape(self.button)}</button></form>{self.after}'
        )


def form_page(
    form: Form,
    *,
    problem: str | None = None,
    next_address: str,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> HTMLResponse:
    """Answer with a form. `problem` is a sentence that is announced before all else."""
    title = f"{'Problem: ' if problem else ''}{form.title}"
    body = f"<h1>{escape(form.title)}</h1><p>{escape(form.about)}</p>{form.draw(problem, next_address)}"
    return _document(title, body, status, headers)


def message_page(title: str, about: str, status: int, link: tuple[str, str] | None = None) -> HTMLResponse:
    """Answer with a sentence in the page's place. `link` is an address and its words."""
    after = f'<p><a href="{escape(link[0])}">{escape(link[1])}</a></p>' if link else ""
    return _document(title, f"<h1>{escape(title)}</h1><p>{escape(about)}</p>{after}", status)


def _document(title: str, body: str, status: int, headers: Mapping[str, str] | None = None) -> HTMLResponse:
    content = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} · Winnow</title><style>{_STYLE}</style></head>"
        f'<body><main><p class="mark">Winnow</p>{body}</main></body></html>'
    )
    return HTMLResponse(content, status, {**_HEADERS, **(headers or {})})


def _said(problem: str | None) -> str:
    return "" if problem is None else f'<p class="wrong" role="alert">{escape(problem)}</p>'
