"""git-comfy's bridge: notes which runs happened, so that git-comfy can record them.

Put here by `git comfy bridge install`; `git comfy bridge uninstall` takes it away again.
It brings no node. When a run ends it writes one file into a folder of the repository; all
of that happens in a thread of its own, and whatever goes wrong there is dropped: ComfyUI
is never slowed down and never fails because of it.
"""

import json
import os
import queue
import re
import sys
import threading
import time

NODE_CLASS_MAPPINGS = {}

SPOOL = "@SPOOL@"
# Files that may wait. Somebody who never runs git-comfy again must not fill a disk.
MOST_FILES = 5000
MOST_EVENTS = 20000

_waiting = queue.Queue(maxsize=100000)
_events = {}
_packs = {}


def _saw(event, data):
    """Called wherever ComfyUI tells its clients something: must be quick and must not fail."""
    try:
        if event in ("executing", "execution_success", "execution_error", "execution_interrupted"):
            _waiting.put_nowait((time.time() * 1000.0, event, data.get("prompt_id"), data.get("node")))
    except Exception:
        pass


def _read(path, most=65536):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(most)
    except OSError:
        return ""


def _commit(folder):
    """What a git repository has checked out, read from its files."""
    git = os.path.join(folder, ".git")
    head = _read(os.path.join(git, "HEAD")).strip()
    if head.startswith("ref: "):
        name = head[5:]
        head = _read(os.path.join(git, *name.split("/"))).strip()
        if not head:
            lines = _read(os.path.join(git, "packed-refs"), 1 << 22).splitlines()
            head = next((line[:-len(name)].strip() for line in lines if line.endswith(" " + name)), "")
    return head if re.fullmatch("[0-9a-f]{40}|[0-9a-f]{64}", head) else None


def _pack(module):
    """The pack behind a module, as it lies there when its first run ends."""
    if module not in _packs:
        name = module.split(".", 1)[-1]
        found = [os.path.join(os.path.dirname(os.path.abspath(__file__)), name)]
        loaded = [getattr(m, "__path__", None) for key, m in list(sys.modules.items()) if key.endswith(os.sep + name)]
        found += [path[0] for path in map(list, filter(None, loaded)) if path]
        folder = next((place for place in found if os.path.isdir(place)), None)
        pack = {"name": name}
        if folder:
            project = _read(os.path.join(folder, "pyproject.toml"))
            version = re.search(r"""(?m)^version\s*=\s*["']([^"']+)["']""", project)
            pack.update(version=version and version.group(1), commit=_commit(folder), at=time.time() * 1000.0)
        _packs[module] = pack
    return _packs[module]


def _machine(entry):
    """What runs here, and which packs bring the classes of a prompt."""
    import nodes

    about = {"python": sys.version.split()[0], "os": sys.platform, "packs": []}
    about["comfyui"] = getattr(sys.modules.get("comfyui_version"), "__version__", None)
    about["torch"] = str(getattr(sys.modules.get("torch"), "__version__", "")) or None
    try:
        from comfy import model_management

        about["device"] = model_management.get_torch_device_name(model_management.get_torch_device())
    except Exception:
        pass
    packs = {}
    for node in list(entry["prompt"][2].values()):
        kind = node.get("class_type")
        module = getattr(nodes.NODE_CLASS_MAPPINGS.get(kind), "RELATIVE_PYTHON_MODULE", "")
        if str(module).startswith("custom_nodes."):
            packs.setdefault(module, set()).add(kind)
    for module, kinds in packs.items():
        about["packs"].append(dict(_pack(module), classes=sorted(kinds)))
    return about


def _write(prompt_id, entry, events):
    name = "".join(c for c in str(prompt_id) if c.isalnum() or c in "-_")
    if not name or len(os.listdir(SPOOL)) >= MOST_FILES:
        return
    try:
        machine = _machine(entry)
    except Exception:
        machine = None
    noted = {"format": 1, "id": prompt_id, "history": entry, "events": events, "at": time.time() * 1000.0}
    text = json.dumps(dict(noted, machine=machine), default=str)
    part = os.path.join(SPOOL, name + ".part")
    with open(part, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(part, os.path.join(SPOOL, name + ".json"))


def _finish(prompt_id, history):
    events = _events.pop(prompt_id, [])
    entry = (history(prompt_id) or {}).get(prompt_id)
    if entry is not None and os.path.isdir(SPOOL):
        _write(prompt_id, entry, events)


def _work(history):
    while True:
        try:
            at, event, prompt_id, node = _waiting.get()
            if event == "done":
                _finish(prompt_id, history)
                continue
            if prompt_id is None:
                continue
            if len(_events) > 1000:
                _events.clear()
            events = _events.setdefault(prompt_id, [])
            if len(events) < MOST_EVENTS:
                events.append([at, event, node])
        except Exception:
            pass


def _install():
    from server import PromptServer

    server = PromptServer.instance
    tasks = server.prompt_queue
    send, done = server.send_sync, tasks.task_done

    def send_sync(event, data, *args, **kwargs):
        if isinstance(event, str) and isinstance(data, dict):
            _saw(event, data)
        return send(event, data, *args, **kwargs)

    def task_done(item_id, *args, **kwargs):
        prompt_id = None
        try:
            prompt_id = tasks.currently_running[item_id][1]
        except Exception:
            pass
        result = done(item_id, *args, **kwargs)
        try:
            if prompt_id is not None:
                _waiting.put_nowait((time.time() * 1000.0, "done", prompt_id, None))
        except Exception:
            pass
        return result

    server.send_sync, tasks.task_done = send_sync, task_done
    history = lambda prompt_id: tasks.get_history(prompt_id=prompt_id)
    threading.Thread(target=_work, args=(history,), name="git-comfy", daemon=True).start()


try:
    _install()
except Exception:
    pass
