function (settings) {
  "use strict";
  // One button and one frame in a shop's page. Nothing here can touch the page's own styles, and
  // they cannot touch it: both live in a shadow tree, styled without <style> or style attributes,
  // so that the strictest Content-Security-Policy needs to allow no more than script and frame.
  const script = document.currentScript;
  const hub = new URL(script.src).origin;
  const id = "loyalty-hub-" + settings.site;
  if (document.getElementById(id)) return;

  const asked = [script.dataset.lang, document.documentElement.lang, navigator.language, ""];
  const language = nearest(asked, Object.keys(settings.words));
  const words = settings.words[language];
  const host = document.createElement("div");
  host.id = id;
  const root = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(styles());
  root.adoptedStyleSheets = [sheet];

  const button = make("button", { type: "button", "aria-haspopup": "dialog", "aria-expanded": "false" });
  button.textContent = words.open;
  const panel = make("div", { role: "dialog", "aria-modal": "true", "aria-label": settings.title });
  panel.hidden = true;
  root.append(panel, button);

  let frame = null;
  let isReady = false;
  let customer = null;
  const given = fromAddress();

  button.addEventListener("click", () => (panel.hidden ? open() : close()));
  button.addEventListener("pointerenter", prepare, { once: true });
  button.addEventListener("focus", prepare, { once: true });
  addEventListener("message", heard);
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !panel.hidden) close();
  });

  if (document.body) begin();
  else addEventListener("DOMContentLoaded", begin, { once: true });

  function begin() {
    document.body.append(host);
    if (given) open();
  }

  function prepare() {
    if (frame) return;
    frame = make("iframe", { title: settings.title, allow: "clipboard-write" });
    const query = new URLSearchParams({ from: location.origin, lang: language });
    frame.src = hub + "/widget/" + settings.site + "/?" + query;
    panel.append(frame);
    customer = whoIsSignedIn();
  }

  function open() {
    prepare();
    panel.hidden = false;
    button.setAttribute("aria-expanded", "true");
    frame.focus();
    if (isReady) tell({ type: "opened" });
  }

  function close() {
    panel.hidden = true;
    button.setAttribute("aria-expanded", "false");
    button.focus();
  }

  function heard(event) {
    if (!frame || event.origin !== hub || event.source !== frame.contentWindow) return;
    const said = event.data && event.data.hub === settings.site ? event.data.type : "";
    if (said === "ready") greet();
    if (said === "shown") host.dataset.state = "shown";
    if (said === "close") close();
  }

  async function greet() {
    isReady = true;
    tell({ type: "hello", isOpen: !panel.hidden, ...given });
    const token = await customer;
    if (token) tell({ type: "customer", token });
  }

  function tell(message) {
    frame.contentWindow.postMessage({ hub: settings.site, ...message }, hub);
  }

  // What the shop's server says of who is signed in: in the script's element, or at an address.
  async function whoIsSignedIn() {
    if (!settings.vouches) return "";
    if (script.dataset.customer) return script.dataset.customer;
    if (!settings.customer_url) return "";
    try {
      const answer = await fetch(settings.customer_url, { credentials: "same-origin", cache: "no-store" });
      const text = answer.ok ? (await answer.text()).trim() : "";
      return text.length < 4000 && !/[\s<]/.test(text) ? text : "";
    } catch {
      return "";
    }
  }

  // A link by e-mail leads back here with a code, a QR code with a gift; neither stays in the
  // address, where it would be bookmarked and passed on.
  function fromAddress() {
    const found = /^#hub-(sign-in|gift|open)(?:=([\w%-]{1,300}))?$/.exec(location.hash);
    if (!found) return null;
    history.replaceState(history.state, "", location.pathname + location.search);
    const value = decodeURIComponent(found[2] || "");
    return found[1] === "sign-in" ? { code: value } : found[1] === "gift" ? { gift: value } : {};
  }

  function nearest(tags, known) {
    for (const tag of tags) {
      for (let one = (tag || "").toLowerCase(); one; one = one.replace(/-?[^-]*$/, "")) {
        const found = known.find((each) => each.toLowerCase() === one);
        if (found) return found;
      }
    }
    return known[0];
  }

  function make(name, attributes) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  }

  function styles() {
    const side = settings.side;
    return `
      :host { all: initial; }
      button, div { position: fixed; ${side}: 16px; z-index: 2147483000; }
      [hidden] { display: none; }
      button { bottom: 16px; min-height: 48px; padding: 0 20px; border: 2px solid ${settings.ink};
        border-radius: 24px; background: ${settings.brand}; color: ${settings.ink}; cursor: pointer;
        font: 600 16px/1.2 system-ui, sans-serif; box-shadow: 0 2px 12px rgb(0 0 0 / .3); }
      button:focus-visible { outline: 3px solid ${settings.brand}; outline-offset: 2px; }
      div { bottom: 76px; inline-size: 400px; block-size: min(640px, calc(100dvh - 92px));
        border-radius: 12px; overflow: hidden; background: Canvas; box-shadow: 0 4px 32px rgb(0 0 0 / .35); }
      iframe { inline-size: 100%; block-size: 100%; border: 0; display: block; }
      @media (max-width: 480px) {
        div { inset: 0; inline-size: 100%; block-size: 100dvh; border-radius: 0; z-index: 2147483001; } }
      @media (prefers-reduced-motion: no-preference) {
        div { animation: rise .15s ease-out; }
        @keyframes rise { from { opacity: 0; transform: translateY(8px); } } }`;
  }
}
