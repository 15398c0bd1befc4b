// Writing into the page. Only what has changed is written, so that a selection stays, a focus is kept, and a screen
// reader is not told everything every second. Text only: nothing from the server is ever read as markup.

export const $ = (id) => document.getElementById(id);
export const part = (root, name) => root.querySelector(`[data-is="${name}"]`);

export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function show(node, visible) {
  if (node.hidden === visible) node.hidden = !visible;
}

/** Set the attribute data-`name`, or take it away when the value is null. */
export function mark(node, name, value) {
  if (value === null) delete node.dataset[name];
  else if (node.dataset[name] !== String(value)) node.dataset[name] = value;
}

/** An element with attributes, and with nodes or texts in it. */
export function element(tag, attributes = {}, ...content) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...content);
  return made;
}

/** As many children in `list` as `items`, made from the template, each filled by `fill`. */
export function fillList(list, template, items, fill) {
  while (list.children.length > items.length) list.lastElementChild.remove();
  while (list.children.length < items.length) list.append($(template).content.cloneNode(true));
  items.forEach((item, place) => fill(list.children[place], item));
}

/** What `make` gives in place of the children, unless it was made for the same `key` before. */
export function refill(node, key, make) {
  const text = JSON.stringify(key);
  if (node.dataset.key === text) return;
  node.dataset.key = text;
  node.replaceChildren(...make());
}
