// Full-text search over the index in search-index.js, buttons that copy, and the menu of narrow
// screens.
"use strict";

(() => {
  const MOST = 40;
  // What a word weighs by where it is found.
  const WEIGHTS = { name: 100, label: 40, about: 12, text: 2 };

  const index = window.ARAGORA_SQL_INDEX.map((entry) => ({
    ...entry,
    fields: {
      name: entry.name.toLowerCase(),
      label: entry.label.toLowerCase(),
      about: entry.about.toLowerCase(),
      text: entry.text.toLowerCase(),
    },
  }));
  const input = document.getElementById("search");
  const list = document.getElementById("results");
  let selected = -1;

  function score(entry, word) {
    let best = 0;
    for (const [field, weight] of Object.entries(WEIGHTS)) {
      const at = entry.fields[field].indexOf(word);
      if (at < 0) continue;
      const before = at === 0 ? "" : entry.fields[field][at - 1];
      const starts = at === 0 || !/[a-z0-9]/.test(before);
      const whole = entry.fields[field] === word;
      best = Math.max(best, weight * (whole ? 4 : starts ? 2 : 1));
    }
    return best;
  }

  function find(text) {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length === 0) return [];
    const found = [];
    for (const entry of index) {
      const scores = words.map((word) => score(entry, word));
      if (scores.every((value) => value > 0)) {
        found.push({ entry, score: scores.reduce((sum, value) => sum + value) });
      }
    }
    found.sort((a, b) => b.score - a.score || a.entry.name.length - b.entry.name.length);
    return found.slice(0, MOST).map((hit) => hit.entry);
  }

  // How many letters must be added, left out, changed or swapped to make one word the other.
  function distance(a, b) {
    let before = [];
    let row = Array.from({ length: b.length + 1 }, (_, at) => at);
    for (let i = 1; i <= a.length; i += 1) {
      const next = [i];
      for (let j = 1; j <= b.length; j += 1) {
        const same = a[i - 1] === b[j - 1] ? 0 : 1;
        next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + same);
        if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
          next[j] = Math.min(next[j], before[j - 2] + 1);
        }
      }
      before = row;
      row = next;
    }
    return row[b.length];
  }

  // Names whose parts are nearly the words: a slip of the finger still leads somewhere.
  function near(text) {
    const words = text.toLowerCase().split(/[\s._]+/).filter(Boolean);
    if (words.length === 0 || words.some((word) => word.length < 3)) return [];
    const found = [];
    for (const entry of index) {
      const parts = [...entry.fields.label.split(/[._]/), entry.fields.name];
      const off = words.map((word) => Math.min(...parts.map((part) =>
        Math.abs(part.length - word.length) > 2 ? 9 : distance(word, part))));
      if (off.every((value, at) => value <= (words[at].length < 6 ? 1 : 2))) {
        found.push({ entry, off: off.reduce((sum, value) => sum + value) });
      }
    }
    found.sort((a, b) => a.off - b.off || a.entry.name.length - b.entry.name.length);
    return found.slice(0, 8).map((hit) => hit.entry);
  }

  function element(tag, className, text) {
    const made = document.createElement(tag);
    made.className = className;
    made.textContent = text;
    return made;
  }

  function show() {
    const text = input.value.trim();
    let hits = find(text);
    list.replaceChildren();
    if (text && hits.length === 0) {
      hits = near(text);
      const said = `Nothing has all of “${text}”`;
      const item = element("li", hits.length ? "near" : "nothing", hits.length ? `${said}; near it:` : said);
      item.setAttribute("role", "presentation");
      list.append(item);
    }
    hits.forEach((entry, number) => {
      const item = document.createElement("li");
      item.id = `result-${number}`;
      item.setAttribute("role", "option");
      const link = document.createElement("a");
      link.href = entry.href;
      link.tabIndex = -1;
      link.append(
        element("span", "kind", entry.kind),
        element("span", "name", entry.label),
        element("span", "about", entry.about),
      );
      link.addEventListener("click", close);
      item.append(link);
      list.append(item);
    });
    select(hits.length ? 0 : -1);
    const open = Boolean(text);
    list.hidden = !open;
    input.setAttribute("aria-expanded", String(open));
  }

  function select(number) {
    const items = list.querySelectorAll('[role="option"]');
    items.forEach((item, at) => item.setAttribute("aria-selected", String(at === number)));
    selected = number;
    if (number >= 0) {
      items[number].scrollIntoView({ block: "nearest" });
      input.setAttribute("aria-activedescendant", items[number].id);
    } else {
      input.removeAttribute("aria-activedescendant");
    }
  }

  function close() {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
  }

  input.addEventListener("input", show);
  input.addEventListener("focus", () => {
    if (input.value.trim()) show();
  });
  input.addEventListener("keydown", (event) => {
    const items = list.querySelectorAll('[role="option"]');
    if (event.key === "ArrowDown" && items.length) {
      event.preventDefault();
      select((selected + 1) % items.length);
    } else if (event.key === "ArrowUp" && items.length) {
      event.preventDefault();
      select((selected - 1 + items.length) % items.length);
    } else if (event.key === "Enter" && selected >= 0 && !list.hidden) {
      event.preventDefault();
      input.blur();
      items[selected].querySelector("a").click();
    } else if (event.key === "Escape") {
      close();
      input.blur();
    }
  });
  document.addEventListener("keydown", (event) => {
    const typing = /^(input|textarea|select)$/i.test(event.target.tagName);
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      input.focus();
      input.select();
    }
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest(".search")) close();
  });

  // A page from a file may not be allowed to use the clipboard: then the text is selected and
  // copied as by hand.
  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = element("textarea", "", text);
      area.style.position = "fixed";
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
  }

  for (const pre of document.querySelectorAll("main pre")) {
    const box = element("div", "code", "");
    const button = element("button", "copy", "Copy");
    button.type = "button";
    button.addEventListener("click", async () => {
      await copy(pre.textContent);
      button.focus();
      button.textContent = "Copied";
      button.classList.add("done");
      setTimeout(() => {
        button.textContent = "Copy";
        button.classList.remove("done");
      }, 1500);
    });
    pre.replaceWith(box);
    box.append(pre, button);
  }

  // On a narrow screen the contents would push everything down.
  const contents = document.getElementById("contents");
  const narrow = window.matchMedia("(max-width: 60rem)");
  const fold = () => {
    contents.open = !narrow.matches;
  };
  narrow.addEventListener("change", fold);
  fold();
})();
