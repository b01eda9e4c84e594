// The page around Gradio: theme, the tab that a link names, the address that follows the tabs, links between tabs, the state of things now.
// Runs in the head, before Gradio's own (deferred) script, so that nothing is drawn twice.
(() => {
  "use strict";
  const root = document.documentElement;
  const query = new URLSearchParams(location.search);
  const lang = root.lang;
  const zh = lang.startsWith("zh");
  // Gradio writes the browser's language where the page's stands.
  new MutationObserver(() => root.lang === lang || (root.lang = lang)).observe(root, { attributes: true, attributeFilter: ["lang"] });
  const here = zh ? "./zh" : "./";
  // And it reads its own words by that of the browser, which may be another than the page's.
  const tongue = zh ? "zh-CN" : "en";
  for (const [name, value] of [["language", tongue], ["languages", [tongue]]]) Object.defineProperty(navigator, name, { get: () => value });

  // Theme: "system", "light" or "dark", kept in this browser. The cookie lets the server draw plots that fit.
  const system = matchMedia("(prefers-color-scheme: dark)");
  const kept = () => {
    const asked = query.get("__theme");
    const known = ["light", "dark"];
    try {
      return known.includes(asked) ? asked : localStorage.getItem("aigc_theme") || "system";
    } catch {
      return "system"; // storage is switched off
    }
  };
  let theme = kept();
  const framed = self !== top && location.protocol === "https:"; // a Space: only such a cookie is kept there
  const isDark = () => (theme === "system" ? system.matches : theme === "dark");
  function dress() {
    root.dataset.theme = isDark() ? "dark" : "light";
    root.dataset.choice = theme;
    document.cookie = `aigc_theme=${root.dataset.theme}; path=/; max-age=31536000; ${framed ? "samesite=none; secure; partitioned" : "samesite=lax"}`;
    if (document.body && document.body.classList.contains("dark") !== isDark()) document.body.classList.toggle("dark", isDark());
    const button = document.getElementById("aigc-theme");
    if (button) button.title = button.ariaLabel = button.dataset[theme];
    dispatchEvent(new CustomEvent("aigc-theme", { detail: root.dataset.theme }));
  }
  /** Past the header and the tabs, to the tab that is open: the keyboard goes on from there. */
  function skip(event) {
    const shown = [...document.querySelectorAll("[role=tabpanel]")].find((panel) => panel.offsetParent);
    if (!shown) return;
    event.preventDefault();
    shown.tabIndex = -1;
    shown.focus();
  }
  function nextTheme() {
    theme = { system: "light", light: "dark", dark: "system" }[theme];
    try {
      localStorage.setItem("aigc_theme", theme);
    } catch {
      // then it holds until the page is left
    }
    dress();
  }
  system.addEventListener("change", dress);
  dress();

  // Gradio's document carries its whole configuration: the tabs that the address names are chosen in it, before they are drawn.
  const parts = new Map((window.gradio_config?.components || []).map((c) => [c.id, c]));
  const within = (node) => [node, ...(node.children || []).flatMap(within)];
  const places = window.gradio_config?.layout ? within(window.gradio_config.layout) : [];
  function choose(name, wanted) {
    const place = places.find(({ id }) => parts.get(id)?.type === "tabs" && parts.get(id).props.elem_id === name);
    if (place?.children.some(({ id }) => parts.get(id)?.props.id === wanted)) parts.get(place.id).props.selected = wanted;
  }
  choose("tabs", query.get("tab"));
  choose(`view-${query.get("tab")}`, query.get("view"));

  // What a visitor waits for is mostly Gradio looking each of its 1,500 components up in the list of 650 listeners, and each target of these
  // among the components. Svelte wraps every plain array to watch it, which makes that slow: arrays of another class are left alone, and these
  // never change. A listener that follows another one is found by that; its own target is nobody, looked for everywhere in vain.
  class Unwatched extends Array {}
  const listeners = window.gradio_config?.dependencies || [];
  for (const one of listeners) one.targets = Unwatched.from((one.targets || []).filter(([id]) => id != null || one.trigger_after == null));
  Object.setPrototypeOf(listeners, Unwatched.prototype);

  const [PRESSES, PRESS_MS, HELD] = [30, 50, 10];
  const aigc = (window.aigc = window.aigc || {});
  aigc.lang = zh ? "zh" : "en";
  aigc.isDark = isDark;
  // What this tab of the browser made is kept under this name, which outlives a reload and is nobody else's.
  let visit = "";
  aigc.visit = () => {
    const fresh = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    try {
      visit ||= sessionStorage.getItem("aigc_visit") || fresh();
      sessionStorage.setItem("aigc_visit", visit);
    } catch {
      visit ||= fresh(); // storage is switched off: a reload begins a new visit
    }
    return visit;
  };
  // The address follows the tabs; what it said of a view, a run or a model comes back with its tab.
  const left = new Map();
  aigc.went = (tab) => {
    const now = new URLSearchParams(location.search);
    if ((now.get("tab") || "home") !== tab) goTo(left.get(tab) || (tab === "home" ? "" : `tab=${tab}`));
  };
  function goTo(again) {
    const now = new URLSearchParams(location.search);
    left.set(now.get("tab") || "home", String(now));
    history.pushState(null, "", again ? `${here}?${again}` : here);
    tick();
  }
  // Gradio may tell of a view when another is shown already: what is shown a moment later counts.
  aigc.viewed = (tab, view) => setTimeout(() => {
    const now = new URLSearchParams(location.search);
    if (now.get("tab") !== tab) return;
    const shown = inside(tab) || view;
    const say = (name, way) => {
      now.set("view", name);
      history[way](null, "", `${here}?${now}`);
    };
    if (byHand.tab === tab && byHand.from && byHand.from !== shown) {
      say(byHand.from, "replaceState"); // what Back leads to
      if (byHand.from === "train") now.delete("run"); // the other views choose for themselves
      say(shown, "pushState");
    } else say(shown, "replaceState");
    byHand = {};
  }, PRESS_MS);
  const inside = (tab) => document.querySelector(`#view-${tab} > .tab-wrapper [role=tab][aria-selected=true]`)?.dataset.tabId;
  let byHand = {}; // the tab, and the view that it showed, when a hand pressed another view of it, or a link to one
  // Add to the address what a link to this state needs; null takes away.
  aigc.linked = (changes) => {
    const now = new URLSearchParams(location.search);
    for (const [k, v] of Object.entries(changes)) v == null || v === "" ? now.delete(k) : now.set(k, v);
    history.replaceState(null, "", [...now].length ? `${here}?${now}` : here);
  };

  // A link to another tab of this page opens it without loading the page again. A tab that is drawn for the first time reads the address; one that
  // was drawn before is told that the address names a model or a run. Explore asks what was meant whenever it is shown anew.
  const PLACE = ["tab", "view"];
  const NAMED = ["model", "run"];
  const meant = new Map();
  function tell(to, tab, view) {
    const kind = NAMED.find((k) => to.has(k));
    if (!kind) return;
    if (view === "explore") meant.set(tab, `${kind}:${to.get(kind)}`);
    if (view !== "explore" || inside(tab) === view) dispatchEvent(new CustomEvent("aigc-told", { detail: { tab, view } }));
  }
  const viewOf = (to) => to.get("view") ?? (to.has("run") ? "train" : null);
  aigc.meant = (tab) => {
    const named = meant.get(tab) ?? "";
    meant.delete(tab);
    return named;
  };
  const button = (panel, id) =>
    [...document.querySelectorAll(`#${panel} > .tab-wrapper [role=tab], #${panel} > .tab-wrapper button`)].find((b) => b.dataset.tabId === id);
  let opening = 0; // grows when a link or a hand goes elsewhere
  function open(tab, view) {
    const mine = ++opening;
    button("tabs", tab)?.click();
    // A tab that is drawn for the first time chooses a view of its own, and says so, a few moments later.
    const choose = (times, held) => {
      if (mine !== opening) return;
      const wanted = button(`view-${tab}`, view);
      const holds = wanted?.getAttribute("aria-selected") === "true";
      if (!holds) wanted?.click();
      else if (held === HELD - 1) aigc.viewed(tab, view);
      if (times && held < HELD) setTimeout(() => choose(times - 1, holds ? held + 1 : 0), PRESS_MS);
    };
    if (view) requestAnimationFrame(() => choose(PRESSES, 0));
  }
  /** From one view to another of the same tab: Back leads to the first. */
  aigc.open = (tab, view) => {
    const from = inside(tab);
    if (view && from !== view && new URLSearchParams(location.search).get("tab") === tab) byHand = { tab, from };
    open(tab, view);
  };
  addEventListener("popstate", () => {
    const to = new URLSearchParams(location.search);
    const [tab, view] = [to.get("tab") || "home", viewOf(to)];
    tell(to, tab, view);
    open(tab, view);
  });
  const elsewhere = (event) => {
    if (!event.isTrusted || !event.target.closest?.("[role=tab]")) return;
    opening += 1;
    const tab = event.target.closest("[id^=view-]")?.id.slice("view-".length);
    byHand = tab ? { tab, from: inside(tab) } : {};
  };
  for (const way of ["pointerdown", "keydown"]) addEventListener(way, elsewhere, true);
  function follow(event) {
    const link = event.target.closest("a[href*='?tab=']");
    if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    const to = new URLSearchParams(new URL(link.href).search);
    const [tab, view] = [to.get("tab"), viewOf(to)];
    if (!button("tabs", tab) || [...to.keys()].some((k) => ![...PLACE, ...NAMED].includes(k))) return;
    event.preventDefault();
    const named = NAMED.some((k) => to.has(k));
    if (named) goTo(String(to));
    tell(to, tab, view);
    (named ? open : aigc.open)(tab, view);
    scrollTo({ top: 0 });
  }
  /** Gradio tells of a slider that is put back as of one let go, with its old value sometimes; it hears as if a hand had moved it. */
  function reset(button) {
    const slider = button.closest(".block")?.querySelector("input[type=range]");
    if (slider) setTimeout(() => slider.dispatchEvent(new Event("input", { bubbles: true })), PRESS_MS);
  }
  addEventListener("click", (event) => {
    if (event.target.closest("#aigc-theme")) nextTheme();
    if (event.target.closest(".reset-button")) reset(event.target);
    const view = event.target.closest("[id^=view-] > .tab-wrapper [role=tab]"); // Gradio tells nothing of a tab it has just drawn
    if (view) aigc.viewed(view.closest("[id^=view-]").id.slice("view-".length), view.dataset.tabId);
    if (event.target.closest(".aigc-skip")) skip(event);
    const other = event.target.closest("#aigc-lang");
    if (other) {
      const now = new URLSearchParams(location.search);
      now.set("lang", other.dataset.lang);
      other.href = `${new URL(other.href).pathname}?${now}`;
    }
    follow(event);
  });

  // What is going on now (runs, machine): fetched while somebody looks, put in place only where it changed.
  const seen = {};
  async function tick() {
    const wanted = document.querySelector("[data-aigc-now]");
    if (document.hidden || !wanted) return;
    try {
      const answer = await fetch(`./aigc/now?lang=${aigc.lang}`, { headers: { Accept: "application/json" } });
      if (!answer.ok) return;
      for (const [name, html] of Object.entries(await answer.json()))
        for (const place of document.querySelectorAll(`[data-aigc-now="${name}"]`))
          if (seen[name] !== html || !place.dataset.filled) {
            const held = place.contains(document.activeElement) && document.activeElement.getAttribute("href");
            place.innerHTML = html; // made by our own server, every value in it escaped
            if (held) [...place.querySelectorAll("a")].find((link) => link.getAttribute("href") === held)?.focus({ preventScroll: true });
            place.dataset.filled = "1";
            if (place === [...document.querySelectorAll(`[data-aigc-now="${name}"]`)].at(-1)) seen[name] = html;
          }
    } catch {
      // the server is gone or the machine asleep: the next tick asks again
    }
  }
  setInterval(tick, 3000);
  addEventListener("visibilitychange", tick);
  aigc.tick = tick;

  // Gradio heads every refusal "Error" and every note "Info", and refuses a file of the wrong kind in English and by its media type.
  function reword() {
    const said = document.querySelector(".aigc-header")?.dataset;
    for (const told of said ? document.querySelectorAll("[data-testid=toast-text]") : []) {
      const title = told.closest("[data-testid=toast-body]").querySelector(".toast-title").firstChild; // what follows counts several of a kind
      const better = { Error: said.refused, Info: said.note }[title.data?.trim()];
      if (better) title.data = `${better} `;
      const [, name, kinds] = /^Invalid file type: (.+)\. Only (.+) allowed/.exec(told.textContent) ?? [];
      if (!name) continue;
      told.textContent = (kinds === "image/*" ? said.noPicture : said.wrongFile).replace("{name}", () => name).replace("{kinds}", () => kinds);
    }
  }

  // A bar of tabs that is wider than the window shows the one that is chosen.
  function inView() {
    for (const tab of document.querySelectorAll(".tab-wrapper [role=tab][aria-selected=true]")) {
      const bar = tab.closest("[role=tablist]");
      const [whole, part] = [bar, tab].map((element) => element.getBoundingClientRect());
      if (part.left < whole.left || part.right > whole.right) bar.scrollLeft += part.left + part.width / 2 - whole.left - whole.width / 2;
    }
  }
  const BARS = "[role=tablist]";
  const isOfBar = ({ addedNodes, type }) => type === "attributes" || [...addedNodes].some((node) => node.matches?.(BARS) || node.querySelector?.(BARS));
  let looking = 0;
  function lookSoon() {
    clearTimeout(looking);
    looking = setTimeout(inView, 100); // Gradio measures a bar first, and puts it back to the beginning
  }
  addEventListener("resize", lookSoon);
  // From the beginning: from its cache, Gradio may have drawn its bars before the document is told to be ready.
  const changes = { childList: true, subtree: true, attributes: true, attributeFilter: ["aria-selected"] };
  new MutationObserver((changed) => changed.some(isOfBar) && lookSoon()).observe(root, changes);

  addEventListener("DOMContentLoaded", () => {
    dress();
    // Gradio sets its own idea of the theme when it starts.
    new MutationObserver(dress).observe(document.body, { attributes: true, attributeFilter: ["class"] });
    const toasted = ({ target, addedNodes }) => target.closest(".toast-wrap") || [...addedNodes].some((node) => node.classList?.contains("toast-wrap"));
    new MutationObserver((changes) => changes.some(toasted) && reword()).observe(document.body, { childList: true, subtree: true });
  });
})();
