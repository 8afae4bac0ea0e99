"""The demonstration as a page: the platform and the page live here, the bridge in a process of its own."""

import asyncio
import locale
from pathlib import Path
from typing import Any

import click
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from bridge.demo.forward import Forward
from bridge.demo.page import Page
from bridge.demo.parts import listen_on, picture, simulator_of, write_config
from bridge.demo.people import Colleagues
from bridge.demo.serving import Serving
from bridge.demo.switches import Switches
from bridge.demo.texts import say
from bridge.serve import QuietServer

_FAQ = Path(__file__).parents[1] / "demo_faq.toml"
ROUTES: list[dict[str, Any]] = [
    {"channel": channel, "desk": "desk", "bot": {"name": "faq", "quiet": "0s"}} for channel in ("shop", "site")
]


class Scene:
    """The bridge's process, its configuration, and the language that it writes notes in."""

    def __init__(self, port: int, place: Path, phone: Any) -> None:
        self.port, self.place, self.phone = port, place, phone
        self.switches = Switches(place / "switches")
        self.config = place / "config.toml"
        self.language = "zh" if (locale.getlocale()[0] or "").startswith("zh") else "en"
        inner = listen_on(0)
        inner.listen(128)
        inner.set_inheritable(True)
        self.serving = Serving(self.config, inner)
        phone.hook_url = f"{self.serving.base}/hooks/shop"

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def write(self) -> None:
        """The configuration as it is now."""
        origins = [self.base, f"http://localhost:{self.port}"]
        accounts = {
            "shop": self.phone.settings(),
            "desk": {"kind": "webchat", "title": "Corner Shop"},
            "site": {"kind": "webchat", "title": "Corner Shop", "allowed_origins": origins},
            "faq": {"kind": "faq", "file": str(_FAQ)},
        }
        write_config(self.config, self.port, accounts, ROUTES, self.language)

    async def speak(self, language: str) -> None:
        """In the first visitor's language, as long as nobody said anything."""
        if language != self.language:
            self.language = language
            await self.serving.stop()
            self.write()
            self.serving.start()
            await self.serving.ready()

    def starting(self) -> str:
        """That nobody answers yet."""
        return say(self.language, "starting")

    def away(self, scope: Any) -> str:
        """Why a path is not asked for just now."""
        language = self.language
        if not self.serving.alive:
            return say(language, "away_killed")
        if self.switches.down and scope["path"].startswith("/desk/desk/"):
            return say(language, "away_desk")
        return ""


async def show(port: int, place: Path) -> None:
    """Serves it until SIGTERM or SIGINT."""
    listening = listen_on(port)
    port = listening.getsockname()[1]
    with listening:
        switches = Switches(place / "switches")
        switches.take_down(down=False)  # as it was left the last time
        async with simulator_of("wechat")(clock=switches.now) as phone:
            scene = Scene(port, place, phone)
            scene.write()
            colleagues = Colleagues(scene.base, scene.config)
            await colleagues.hire()
            scene.serving.start()
            try:
                await scene.serving.ready()
                await _serve(scene, colleagues, listening)
            finally:
                await scene.serving.stop()


async def _serve(scene: Scene, colleagues: Colleagues, listening: Any) -> None:
    forward = Forward(scene.serving.port, scene.away, scene.starting)
    page = Page(scene, colleagues, forward, picture("Mug, 350 ml", "steelblue"))
    app = Starlette(routes=[*page.routes(), Mount("/", forward)])
    app.router.redirect_slashes = False
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, timeout_graceful_shutdown=2, lifespan="off", log_config=None
    )
    click.echo(f"Open {scene.base}/   (Ctrl+C ends it; its data is in {scene.place})")
    await QuietServer(config, forward).serve([listening])
    await asyncio.sleep(0)
