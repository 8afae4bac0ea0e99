"""Exporting and erasing a person from the console: admins only, asked on a page, told what is left."""

import io
import re
import zipfile

from tests.console.console_harness import ConsoleScene


async def test_an_admin_exports_and_erases_a_person(scene: ConsoleScene) -> None:
    admin, operator = await scene.person("admin"), await scene.person("operator")
    await scene.says("anna-7f3c2d91", "my parcel never came")
    await scene.says("bert-11112222", "somebody else")
    await scene.quiet()
    page = (await admin.get("/people/1")).text
    (named, *_) = re.findall(r'name="named" value="([^"]+)"', page)
    assert named == "shop:anna-7f3c2d91"
    assert 'name="named"' not in (await operator.get("/people/1")).text
    for act in ("export", "erase"):
        assert (await operator.send(f"/people/1/{act}", named=named)).status_code == 403
        assert (await admin.send(f"/people/2/{act}", named=named)).status_code == 404, "it is another person's"
    saved = await admin.send("/people/1/export", named=named)
    assert saved.headers["content-type"] == "application/zip" and saved.headers["cache-control"] == "no-store"
    with zipfile.ZipFile(io.BytesIO(saved.content)) as archive:
        assert "my parcel never came" in archive.read("person.json").decode()
    asked = await admin.send("/people/1/erase", named=named)
    assert "Erase everything about this customer?" in asked.text and named in asked.text
    assert "anna-7f3c2d91" in (await admin.get("/people/1")).text, "nothing is done before the answer"
    done = await admin.send("/people/1/erase", named=named, sure="1")
    assert "Left for you to do" in done.text, done.text
    assert (await admin.send("/people/1/erase", named=named, sure="1")).status_code == 404
    audit = await scene.audit()
    assert [(who, what) for who, what, _ in audit][:2] == [("console: Admin", "erase"), ("console: Admin", "export")]
    assert not any("anna" in detail for _, _, detail in audit)
