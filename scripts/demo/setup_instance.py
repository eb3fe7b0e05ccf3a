# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT
"""Makes an InvenioRDM instance usable: tables, indices, a files location, accounts, one vocabulary term.

    INVENIO_INSTANCE_PATH=... setup_instance.py LOCATION_NAME LOCATION_URI >TOKENS

Everything happens in one process, because each ``invenio`` command costs ten seconds of imports.
May be run again: what is there already is kept. Prints the access tokens in shell format.
"""

import sys
import time
from contextlib import contextmanager
from datetime import datetime, timezone

from flask_security.utils import hash_password
from invenio_access.models import ActionRoles
from invenio_access.permissions import superuser_access, system_identity
from invenio_accounts.proxies import current_datastore
from invenio_app.factory import create_api
from invenio_db import db
from invenio_db.utils import create_alembic_version_table
from invenio_files_rest.models import Location
from invenio_oauth2server.models import Token
from invenio_queues.proxies import current_queues
from invenio_search import current_search
from invenio_search.utils import build_alias_name
from invenio_vocabularies.proxies import current_service as vocabularies
from invenio_vocabularies.records.models import VocabularyType
from sqlalchemy import inspect

ACCOUNTS = {"TOKEN_OWNER": "owner", "TOKEN_OTHER": "other", "TOKEN_ADMIN": "admin"}
PASSWORD = "multipart-demo"

DATASET = {
    "id": "dataset",
    "title": {"en": "Dataset"},
    "icon": "table",
    "props": {
        "csl": "dataset",
        "datacite_general": "Dataset",
        "datacite_type": "",
        "openaire_resourceType": "0021",
        "openaire_type": "dataset",
        "eurepo": "info:eu-repo/semantics/other",
        "schema.org": "https://schema.org/Dataset",
        "subtype": "",
        "type": "dataset",
        "marc21_type": "dataset",
        "marc21_subtype": "",
    },
    "tags": ["depositable", "linkable"],
    "type": "resourcetypes",
}


@contextmanager
def timed(what):
    """Tells on stderr how long a step took."""
    begun = time.monotonic()
    yield
    print(f"  {what}: {time.monotonic() - begun:.1f} s", file=sys.stderr, flush=True)


def make_tables(app):
    """A new database gets all tables at once; an older one is brought up to date by its migrations."""
    alembic = app.extensions["invenio-db"].alembic
    if not inspect(db.engine).has_table("alembic_version"):
        db.metadata.create_all(bind=db.engine)
        create_alembic_version_table()
        alembic.stamp("heads")
    else:
        alembic.upgrade()


def make_indices():
    """Makes every index and template that is missing."""
    for make in (
        current_search.put_templates,
        current_search.put_component_templates,
        current_search.put_index_templates,
    ):
        for _ in make(ignore=[400]):
            pass
    # Indices get the time as a suffix: a second one behind the same alias would make it read-only.
    client, names = current_search.client, current_search.mappings
    missing = [
        name for name in names if not client.indices.exists(build_alias_name(name))
    ]
    if missing:
        for _ in current_search.create(ignore_existing=True, index_list=missing):
            pass
    current_queues.declare()


def make_location(name, uri):
    """Makes the files location, or moves it, and makes it the default one."""
    for other in Location.query.filter(Location.name != name):
        other.default = False
    location = Location.get_by_name(name)
    if location is None:
        location = Location(name=name)
        db.session.add(location)
    location.uri, location.default = uri, True
    db.session.commit()


def make_accounts():
    """Makes two ordinary accounts and an administrator.

    :returns: their e-mail addresses' first parts with a personal access token each.
    """
    role = current_datastore.find_role("admin")
    if role is None:
        role = current_datastore.create_role(id="admin", name="admin")
        db.session.add(ActionRoles.allow(superuser_access, role=role))
    return {
        name: make_account(name, [role] if name == "admin" else ())
        for name in ACCOUNTS.values()
    }


def make_account(name, roles=()):
    """Makes an account, if there is none of this name.

    :returns: a personal access token of it.
    """
    email = f"{name}@multipart.example.org"
    user = current_datastore.get_user(email)
    if user is None:
        user = current_datastore.create_user(
            email=email,
            username=name,
            password=hash_password(PASSWORD),
            active=True,
            confirmed_at=datetime.now(timezone.utc),
        )
    for role in roles:
        current_datastore.add_role_to_user(user, role)
    db.session.commit()
    token = Token.query.filter_by(user_id=user.id, is_personal=True).first()
    token = token or Token.create_personal("demo", user.id, scopes=["user:email"])
    db.session.commit()
    return token.access_token


def make_dataset_term():
    """Makes the resource type "dataset", the one vocabulary term that a record cannot do without."""
    if db.session.get(VocabularyType, "resourcetypes"):
        return
    vocabularies.create_type(system_identity, "resourcetypes", "rsrct")
    vocabularies.create(system_identity, DATASET)


FORM_VOCABULARIES = {
    "contributorsroles": "cor",
    "creatorsroles": "crr",
    "datetypes": "dat",
    "descriptiontypes": "dty",
    "languages": "lng",
    "licenses": "lic",
    "relationtypes": "rlt",
    "removalreasons": "rem",
    "titletypes": "ttyp",
}
"""Vocabularies that the deposit form asks for, with the types of their identifiers as InvenioRDM has them."""


LICENSE = {
    "id": "cc-by-4.0",
    "title": {"en": "Creative Commons Attribution 4.0 International"},
    "props": {
        "osi_approved": "",
        "scheme": "spdx",
        "url": "https://creativecommons.org/licenses/by/4.0/legalcode",
    },
    "tags": ["all", "recommended"],
    "type": "licenses",
}
"""What a new form has in it; it could not be saved without."""


def make_form_vocabularies():
    """Makes these vocabularies and the one term: the form does not open if one is missing."""
    for name, pid_type in FORM_VOCABULARIES.items():
        if not db.session.get(VocabularyType, name):
            vocabularies.create_type(system_identity, name, pid_type)
            if name == LICENSE["type"]:
                vocabularies.create(system_identity, LICENSE)


def main(location_name, location_uri):
    """Runs all steps and prints the tokens."""
    with timed("loading InvenioRDM"):
        app = create_api()
    with app.app_context():
        with timed("tables"):
            make_tables(app)
        with timed("indices"):
            make_indices()
        with timed("location, accounts, vocabulary"):
            make_location(location_name, location_uri)
            tokens = make_accounts()
            make_dataset_term()
            make_form_vocabularies()
    for variable, name in ACCOUNTS.items():
        print(f"{variable}={tokens[name]}")


if __name__ == "__main__":
    main(*sys.argv[1:])
