"""Text, Chat: a conversation with a model, its messages kept here and only shown by the page."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.components import Component

from aigc import outputs
from aigc.knobs import as_values, read
from aigc.pretrained import Stopped, hub
from aigc.pretrained.catalogue import rows
from aigc.pretrained.text.asked import TASKS, Chat, Message, Verb, conversation, given, short
from aigc.pretrained.text.thought import CLOSE, OPEN, parted
from aigc.ui import forms, stops, visits
from aigc.ui.chooser import Chooser
from aigc.ui.markup import esc
from aigc.ui.page import Page
from aigc.ui.tabs import explore_files, text_kept
from aigc.ui.tabs.explore_room import MODULE, QUIET
from aigc.ui.tabs.text_grid import Crossing, GridFold, older
from aigc.ui.tabs.text_kept import Kept
from aigc.ui.tabs.text_panel import SHOW_EVERY, facts_of, follow_window, panel, status_of
from aigc.ui.telling import guarded, in_line, newest
from aigc.ui.text import writing as text
from aigc.ui.text.telling import RETURNED
from aigc.ui.zero_gpu import on_gpu
from aigc.words import Refusal, Words

if TYPE_CHECKING:
    from aigc.pretrained.text.writing import Draft

NAME, GRID = "chat", "chat-grid"
STARTS = (("temperature", "0.2, 0.7, 1.2"), ("top_p", "0.5, 0.95"))  # of its grid
CHATS = on_gpu("aigc.pretrained.text.run:chats", seconds=120)
LINE_JS = f"""
{MODULE.format(file="stopping.js")}.then(({{ stopFollows }}) => stopFollows(element));
{MODULE.format(file="pressing.js")}.then(({{ whenPressed }}) => {{
  const line = () => element.querySelector(".aigc-x-status");
  let before = "";
  const answered = whenPressed(element, () => {{
    before = line().textContent;
    line().textContent = %s;
    line().dataset.busy = "";
  }}, () => {{
    line().textContent = before;
    delete line().dataset.busy;
  }}, ".aigc-begins-talk", ".aigc-sends textarea");
  watch("value", answered);
}});
"""
RUN = re.compile(' data-run="[0-9a-f]*"')
Shown = tuple[Any, Any, Any, Any, Any]  # the conversation, its messages, how the last was made, the line above, the box


class ChatView:
    def __init__(self, page: Page):
        self.page, t = page, page.t
        with gr.Row(elem_classes=["aigc-train"], equal_height=False):
            with gr.Column(scale=0, min_width=300, elem_classes=["aigc-form"]):
                gr.HTML(f"<p>{t(text.SAYS[NAME])}</p>", elem_classes=["aigc-x-says"], padding=False)
                self.chooser = Chooser(page, TASKS[Verb.CHAT], "text-chat", anew=True)
                self.system = gr.Textbox("", label=t(text.SYSTEM), info=t(text.SYSTEM_HELP), lines=2, max_lines=8)
                self.form = forms.draw(page.lang, Chat)
                self.grid = GridFold(self, GRID, Chat, STARTS, f"text-{NAME}-grid-{page.lang}")
            with gr.Column(scale=1, min_width=300, elem_classes=["aigc-result"]):
                self._draw_talk()
                with gr.Accordion(t(text.ANSWERS), open=False, elem_classes=["aigc-fold"]) as self.answers:
                    self.panel = panel(page, GRID)
                    self.last, self.history, self.list = text_kept.draw(page, GRID, self.panel)
        self._wire()

    def _draw_talk(self) -> None:
        page, t = self.page, self.page.t
        self.messages = gr.State([], time_to_live=visits.lasting(page))
        self.note = gr.State({}, time_to_live=visits.lasting(page))
        self.latest = visits.state(page)  # one or none: messages and note
        self.line = gr.HTML(_line("" if self._has_model() else t(text.NO_CHAT_MODEL)), padding=False, elem_id=f"text-chat-line-{page.lang}",
                            js_on_load=LINE_JS % json.dumps(t(text.PANEL["starting"])))  # fmt: skip
        self.talk = gr.Chatbot(
            [], label=t(text.TALK), show_label=False, height="min(56vh, 560px)", editable="user", buttons=["copy"], placeholder=t(text.HELLO),
            layout="panel", elem_classes=["aigc-talk"], feedback_options=None, group_consecutive_messages=False,
            allow_file_downloads=False,
        )  # fmt: skip
        # Of one line at first: only then does Gradio let Enter send, and Shift+Enter begin a new line.
        self.box = gr.Textbox(
            "", label=t(text.MESSAGE), lines=1, max_lines=8, elem_id=f"text-chat-message-{page.lang}", elem_classes=["aigc-prompt", "aigc-sends"]
        )
        with gr.Row(elem_classes=["aigc-x-saves"]):
            self.go = gr.Button(
                t(text.GO[NAME]), variant="primary", size="sm", elem_id=f"text-chat-go-{page.lang}", elem_classes=["aigc-begins-talk"]
            )
            self.stop = gr.Button(t(text.STOP), size="sm", elem_classes=["aigc-x-stop"])
            self.regenerate = gr.Button(t(text.AGAIN_CHAT), size="sm", elem_classes=["aigc-begins-talk"])
            self.clear = gr.Button(t(text.CLEAR), size="sm")
            for kind, label in (("md", text.EXPORT), ("json", text.EXPORT_JSON)):
                explore_files.button(page, t(label), _exporter(kind), [self.messages, self.note])

    def _has_model(self) -> bool:
        return any(hub.here(entry) for entry in rows(TASKS[Verb.CHAT]))

    def _wire(self) -> None:
        given_ = {self.messages, self.note, self.latest, self.box, self.system, self.history}
        self.inputs: set[Component] = {*given_, *self.chooser.inputs, *self.form.inputs}
        made: list[Component] = [self.talk, self.messages, self.note, self.line, self.box]
        self.chooser.follows(self.go.click(self.send, self.inputs, made, **QUIET))
        for told in (self.chooser.opened.then, self.chooser.facts.change):
            told(self.lacking, self.line, self.line, **QUIET)
        follow_window(self.form, self.chooser, TASKS[Verb.CHAT])
        self.box.submit(self.send, self.inputs, made, **QUIET)
        self.regenerate.click(self.again, self.inputs, made, **QUIET)
        self.talk.retry(self.retried, self.inputs, made, **QUIET)
        self.talk.edit(self.edited, self.inputs, made, **QUIET)
        self.stop.click(self.halt, None, None, **QUIET)
        self.clear.click(self.cleared, self.latest, made, **QUIET)
        visits.returns(self.page, f"text-{NAME}", self.latest, made[:4], self.returned)
        back: list[Component] = [self.panel, self.last, self.box, self.system, *self.chooser.outputs, *self.form.inputs]
        self.list.pick(self.shown_again, self.history, back, **QUIET)  # type: ignore[attr-defined]
        self.grid.wire([self.panel, self.last, self.history, self.list], back)
        self.grid.axes.go.click(lambda: gr.update(open=True), None, self.answers, **QUIET)

    # the events
    def lacking(self, line: str) -> Any:
        """Whether any model is here is asked as long as the page is open; a line that says something else stays."""
        lack, nothing = _line(self.page.t(text.NO_CHAT_MODEL)), _line("")
        now = nothing if self._has_model() else lack
        line = RUN.sub("", line)
        return gr.skip() if line == now or line not in (lack, nothing) else now

    def send(self, given_: dict[Component, Any], request: gr.Request) -> Iterator[Shown]:
        """What is in the box joins the conversation, and is answered."""

        def asked() -> list[Message]:
            messages, new = given_[self.messages], given(given_[self.box], "message")
            if messages and messages[-1]["role"] == "user":  # not answered yet: many templates know no two questions in a row
                *messages, open_ = messages
                new = f"{open_['content']}\n\n{new}"
            return [*messages, {"role": "user", "content": new}]

        yield from self._answered(given_, asked, request, box="")

    def again(self, given_: dict[Component, Any], request: gr.Request) -> Iterator[Shown]:
        """The last question is answered anew, by another seed."""
        yield from self._answered(given_, lambda: _asked(given_[self.messages], len(given_[self.messages])), request, again=True)

    def retried(self, given_: dict[Component, Any], evt: gr.RetryData, request: gr.Request) -> Iterator[Shown]:
        yield from self._answered(given_, lambda: _asked(given_[self.messages], _place(given_[self.messages], evt.index) + 1), request, again=True)

    def edited(self, given_: dict[Component, Any], evt: gr.EditData, request: gr.Request) -> Iterator[Shown]:
        """A question was written anew: what came after it goes, and it is answered."""

        def changed() -> list[Message]:
            messages, new = given_[self.messages], evt.value if isinstance(evt.value, str) else ""
            i = _place(messages, evt.index)
            if not 0 <= i < len(messages) or messages[i]["role"] != "user":
                raise Refusal(text.NO_QUESTION)
            return [*messages[:i], {"role": "user", "content": given(new, "message")}]

        yield from self._answered(given_, changed, request)

    def _answered(
        self, given_: dict[Component, Any], asked: Callable[[], list[Message]], request: gr.Request, box: str | None = None, again: bool = False
    ) -> Iterator[Shown]:
        stop, lang, taken, run = stops.begun(NAME, request), self.page.lang, False, secrets.token_hex(4)

        def made() -> Iterator[Shown]:
            nonlocal taken
            for one in self._made(given_, asked(), stop, box, again, request.session_hash or ""):
                taken = taken or isinstance(one[1], list)
                yield one

        def complain(words: Words) -> Shown:
            """As it was before; a question that was taken out of its box is put back."""
            before, line = given_[self.messages], _line(words[lang], run)
            told = shown(before, self.page.t(text.THOUGHT))
            if not taken:
                return told, gr.skip(), gr.skip(), line, gr.skip()
            return told, before, gr.skip(), line, gr.skip() if box is None else given_[self.box]

        yield gr.skip(), gr.skip(), gr.skip(), _line(text.STARTING[lang], run, busy=True), gr.skip()
        for one in guarded(made, complain):
            if stop.unwanted:
                yield (gr.skip(),) * 5
                continue
            _, messages, note, *_ = one
            if isinstance(messages, list):
                given_[self.latest][:] = [(messages, note if "task" in note else given_[self.note])]
            yield one

    def _made(
        self, given_: dict[Component, Any], messages: list[Message], stop: stops.Stop, box: str | None, again: bool, whose: str
    ) -> Iterator[Shown]:
        from aigc.pretrained.text.writing import stopped

        lang, thought = self.page.lang, self.page.t(text.THOUGHT)
        entry, setup = self.chooser.chosen(given_)
        settings, system = self.asked(given_, again)
        if hub.here(entry) is None and not self._has_model():
            raise Refusal(text.NO_CHAT_MODEL)
        told, draft = conversation(messages, system), None
        # The question stands there at once: a long conversation is read for many seconds.  An answer that is to be replaced is kept until then.
        yield shown(messages, thought), gr.skip() if box is None else messages, gr.skip(), gr.skip(), gr.skip() if box is None else box
        try:
            for result in newest(CHATS(told, settings, entry, stop=stop, setup=setup, whose=whose), SHOW_EVERY):
                if (words := in_line(result)) is not None:
                    yield gr.skip(), gr.skip(), gr.skip(), _line(words[lang], busy=True), gr.skip()
                    continue
                if draft is None:
                    yield shown(messages, thought), messages, gr.skip(), gr.skip(), gr.skip()
                draft = result
                if not draft.is_final:  # kept as far as it has come: whoever asks on has it in the conversation
                    sofar = [*messages, _reply(draft)]
                    yield shown(sofar, thought), sofar if draft.text else gr.skip(), gr.skip(), _line(status_of(draft, lang), busy=True), gr.skip()
        except Stopped:
            if draft is None:
                raise
            draft = stopped(draft)
        assert draft is not None
        whole = [*messages, _reply(draft)]
        note = {"task": NAME, "model": entry.slug, "system": system, "settings": as_values(settings)}
        facts = " · ".join(
            [text.PANEL["made"][lang], status_of(draft, lang), *(n[lang] for n in draft.notes), facts_of(draft, settings, entry.slug, lang)]
        )
        yield shown(whole, thought), whole, note, _line(facts), gr.skip()

    def asked(self, given_: Mapping[Component, Any], again: bool) -> tuple[Chat, str]:
        """What the form says.  The same question asked again has another seed.  Raises Refusal."""
        values = forms.values(self.form, given_)
        before = (given_[self.note] or {}).get("settings", {}).get("seed")
        if again and isinstance(before, int):
            values["seed"] = (before + 1) % 2**31
        return read(Chat, values), short(given_[self.system], "message")

    def crossing(self, given_: Mapping[Component, Any]) -> Crossing:
        """What its grid answers: what is in the box, else the last question.  Raises Refusal."""
        messages, (settings, system), (entry, setup) = given_[self.messages], self.asked(given_, again=False), self.chooser.chosen(given_)
        box = short(given_[self.box], "message")
        asked = [*messages, {"role": "user", "content": box}] if box.strip() else _asked(messages, len(messages))
        question = asked[-1]["content"]
        note = {"task": NAME, "model": entry.slug, "system": system, "prompt": question, "settings": as_values(settings)}
        typed = {"message": box, "system": system}
        return Crossing(entry, setup, settings, question, typed, note, name="chat-grid.md", talk=tuple(conversation(asked, system)))

    def shown_again(self, kept: list[Kept], evt: gr.EventData) -> dict[Any, Any]:
        """An older grid: shown, and its settings in the form again."""
        return older(self, kept, evt)

    def filled(self, one: Kept, values: dict[str, Any]) -> dict[Any, Any]:
        """The form as it was for a grid, with these settings."""
        with forms.in_words(self.page.lang):
            back: dict[Any, Any] = {self.box: one.given["message"], self.system: one.given["system"]}
            return back | self.chooser.fill(one.model, one.setup) | forms.fill(self.form, values)

    def halt(self, request: gr.Request) -> None:
        stops.stopped(NAME, request)
        stops.stopped(GRID, request)

    def returned(self, latest: list[tuple[list[Message], dict[str, Any]]]) -> dict[Any, Any]:
        """The conversation before the page was loaded again."""
        ((messages, note),) = latest
        line = _line(self.page.t(RETURNED))
        return {self.talk: shown(messages, self.page.t(text.THOUGHT)), self.messages: messages, self.note: note, self.line: line}

    def cleared(self, latest: list[Any], request: gr.Request) -> Shown:
        stops.stopped(NAME, request, unwanted=True)
        latest.clear()
        return [], [], {}, _line(""), ""


def shown(messages: list[Message], thought: str) -> list[dict[str, Any]]:
    """The conversation for Gradio's chatbot; thoughts stand folded before their answer."""
    found: list[dict[str, Any]] = []
    for m in messages:
        thoughts, said = parted(m["content"]) if m["role"] == "assistant" else ("", m["content"])
        if thoughts:
            found.append({"role": "assistant", "content": thoughts, "metadata": {"title": thought}})
        if said or not thoughts:
            found.append({"role": m["role"], "content": said or " "})
    return found


def _place(messages: list[Message], at: Any) -> int:
    """Which message stands at this place of the chatbot, where thoughts count, too; -1 for none."""
    at = at[0] if isinstance(at, list | tuple) and at else at
    if not isinstance(at, int):
        return -1
    places = [i for i, m in enumerate(messages) for _ in shown([m], "")]
    return places[at] if 0 <= at < len(places) else -1


def _asked(messages: list[Message], end: int) -> list[Message]:
    """The conversation up to the last question before `end`."""
    last = next((i for i in range(min(end, len(messages)) - 1, -1, -1) if messages[i]["role"] == "user"), None)
    if last is None:
        raise Refusal(text.NO_QUESTION)
    return messages[: last + 1]


def _reply(draft: Draft) -> Message:
    """A thought that was cut off is closed, so that it stays one."""
    whole = draft.text
    return {"role": "assistant", "content": whole + CLOSE if whole.lstrip().startswith(OPEN) and CLOSE not in whole else whole}


def _line(words: str, run: str = "", busy: bool = False) -> str:
    """`run`: of a press of the button, so that the page hears of its answer even where it is the one before; `busy`: it can be stopped."""
    of_run = f' data-run="{run}"' if run else ""
    return f'<p class="aigc-x-status" role="status"{of_run}{" data-busy" * busy}>{esc(words)}</p>'


def _exporter(kind: str) -> Any:
    def make(messages: list[Message], note: dict[str, Any]) -> Path:
        if not messages:
            raise Refusal(text.NOTHING_YET)
        system = note.get("system", "")
        whole = [{"role": "system", "content": system}, *messages] if system else messages
        return outputs.conversation(whole, note=note, name=f"chat.{kind}")

    return make
