"""OAuth clients of another ecosystem against a running server: Authlib as a client, PyJWT as a resource server.

Usage: oauth.py URL ADMIN_KEY. `scripts/interop` installs what it needs, starts a server, and runs it.
"""

import os
import sys

import jwt
import requests
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from joserfc.jwk import ECKey, OKPKey

# Authlib refuses plain HTTP unless it is told that this is a test.
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

checks = 0


def check(what, holds):
    global checks
    checks += 1
    if not holds:
        sys.exit(f"FAILED: {what}")
    print(f"ok: {what}")


def refused(ask):
    try:
        ask()
    except OAuthError as error:
        return error.error
    return None


def register(url, key, **body):
    made = requests.post(f"{url}/v1/oauth/clients", json=body, headers={"Authorization": f"Bearer {key}"}, timeout=30)
    check(f"a client is registered as {body['name']}", made.status_code == 201)
    return made.json()


def metadata(url):
    told = requests.get(f"{url}/.well-known/oauth-authorization-server", timeout=30).json()
    check("the issuer is the one that was asked", told["issuer"] == url)
    # The library holds every URL to be https, and the server under test is on loopback.
    as_behind_tls = {
        name: value.replace("http://", "https://", 1) if isinstance(value, str) else value
        for name, value in told.items()
    }
    document = AuthorizationServerMetadata(as_behind_tls)
    for name in AuthorizationServerMetadata.REGISTRY_KEYS:
        # Without a page that asks people there is no authorization endpoint, and no response type.
        if name == "response_types_supported" and "authorization_endpoint" not in told:
            continue
        getattr(document, f"validate_{name}")()
    check("Authlib finds no fault in the metadata", True)
    return told


def verify(token, told):
    key = jwt.PyJWKClient(told["jwks_uri"]).get_signing_key_from_jwt(token)
    claims = jwt.decode(
        token,
        key,
        algorithms=["EdDSA"],
        audience=told["issuer"],
        issuer=told["issuer"],
        options={"require": ["exp", "iat", "iss", "aud", "sub", "client_id", "jti"]},
    )
    check("PyJWT verifies the token from the published keys", claims["scope"] == "links:read")
    check("it is an access token by its type", jwt.get_unverified_header(token)["typ"] == "at+jwt")
    try:
        jwt.decode(token, key, algorithms=["EdDSA"], audience="https://elsewhere.example", issuer=told["issuer"])
        check("it is refused elsewhere", False)
    except jwt.InvalidAudienceError:
        check("it is refused elsewhere", True)


def walk(url, session, told, client_id, name):
    """A client gets a token, uses it, looks at it, and takes it back."""
    token = session.fetch_token(told["token_endpoint"], grant_type="client_credentials", scope="links:read")
    check(f"{name}: a token of 15 minutes", token["expires_in"] == 900 and token["token_type"] == "Bearer")
    check(f"{name}: the API takes it", session.get(f"{url}/v1/links", timeout=30).status_code == 200)
    body = {"destination": "https://example.com/"}
    check(f"{name}: within its scope", session.post(f"{url}/v1/links", json=body, timeout=30).status_code == 403)
    verify(token["access_token"], told)
    look = lambda: session.introspect_token(told["introspection_endpoint"], token=token["access_token"]).json()
    seen = look()
    check(f"{name}: introspection knows it", seen["active"] and seen["client_id"] == client_id)
    taken = session.revoke_token(told["revocation_endpoint"], token=token["access_token"])
    check(f"{name}: it is taken back", taken.status_code == 200)
    check(f"{name}: introspection says so", look() == {"active": False})
    used = requests.get(f"{url}/v1/links", headers={"Authorization": f"Bearer {token['access_token']}"}, timeout=30)
    check(f"{name}: the API takes it no more", used.status_code == 401)
    ask = lambda: session.fetch_token(told["token_endpoint"], grant_type="client_credentials", scope="links:write")
    check(f"{name}: more than it may is refused by name", refused(ask) == "invalid_scope")


def main(url, key):
    told = metadata(url)
    partner = register(url, key, name="partner", scopes=["links:read"])
    for method in ["client_secret_basic", "client_secret_post"]:
        session = OAuth2Session(
            partner["client_id"],
            partner["client_secret"],
            token_endpoint_auth_method=method,
            revocation_endpoint_auth_method=method,
        )
        walk(url, session, told, partner["client_id"], method)
    wrong = OAuth2Session(partner["client_id"], "wp_secret_wrong")
    ask = lambda: wrong.fetch_token(told["token_endpoint"], grant_type="client_credentials")
    check("a wrong secret is refused by name", refused(ask) == "invalid_client")

    for algorithm, private in [("ES256", ECKey.generate_key("P-256")), ("EdDSA", OKPKey.generate_key("Ed25519"))]:
        public = {**private.as_dict(private=False), "kid": "one"}
        signer = register(url, key, name=f"signer by {algorithm}", scopes=["links:read"], jwks={"keys": [public]})
        method = PrivateKeyJWT(told["token_endpoint"], headers={"kid": "one"}, alg=algorithm)
        session = OAuth2Session(
            signer["client_id"],
            private,
            token_endpoint_auth_method=method,
            revocation_endpoint_auth_method=method,
        )
        walk(url, session, told, signer["client_id"], f"private_key_jwt by {algorithm}")
    print(f"{checks} checks passed")


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"), sys.argv[2])
