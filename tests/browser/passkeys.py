"""Authenticators of the debugger's own (WebAuthn's automation, section 11), in one page each."""

from dataclasses import dataclass
from typing import Any

from playwright.sync_api import CDPSession, Page

COUNT = """(() => {
  window.touches = [];
  for (const name of ["create", "get"]) {
    const real = navigator.credentials[name].bind(navigator.credentials);
    navigator.credentials[name] = (options) => {
      window.touches.push(`${name} ${(options.publicKey.allowCredentials ?? []).length}`);
      return real(options);
    };
  }
})()"""


@dataclass
class Device:
    """One authenticator that a page has, and its debugger."""

    cdp: CDPSession
    id: str

    def credentials(self) -> list[dict[str, Any]]:
        """What it holds; private keys and user handles too."""
        found: list[dict[str, Any]] = self.cdp.send("WebAuthn.getCredentials", {"authenticatorId": self.id})[
            "credentials"
        ]
        return found

    def refuse(self) -> None:
        """From now on nobody shows that he is there: a finger that does not fit."""
        self.cdp.send("WebAuthn.setUserVerified", {"authenticatorId": self.id, "isUserVerified": False})

    def throw_away(self) -> None:
        """It is lost."""
        self.cdp.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": self.id})


def debugger_of(page: Page) -> CDPSession:
    """Put nothing but the debugger's authenticators before a page."""
    page.add_init_script(COUNT)
    cdp = page.context.new_cdp_session(page)
    cdp.send("WebAuthn.enable", {"enableUI": False})
    return cdp


def device_of(cdp: CDPSession, *, prf: bool = True, transport: str = "internal") -> Device:
    """Give the page one more authenticator, which says yes to everything."""
    options = {
        "protocol": "ctap2",
        "ctap2Version": "ctap2_1",
        "transport": transport,
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "hasPrf": prf,
        "automaticPresenceSimulation": True,
    }
    return Device(cdp, cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"])


def touches(page: Page) -> list[str]:
    """What this document has asked its authenticators for, and with how many credentials named."""
    found: list[str] = page.evaluate("window.touches")
    return found
