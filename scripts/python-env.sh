# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT
#
# The Python environment of this checkout. Sourced; sets PYTHON to the interpreter to use.
#
# It belongs to the checkout (.python/), because an editable install points at one folder only: two
# checkouts would pull a shared one back and forth. It costs little: uv links the files from its own
# cache instead of copying them. Cold cache: about 30 s with uv, 140 s with pip.
#
# MULTIPART_PYTHON   an interpreter that has everything already: used as it is, nothing is installed
# PYTHON             the interpreter to build the environment with (default: python3)

python_env() {
  if [ -n "${MULTIPART_PYTHON:-}" ]; then
    PYTHON=$MULTIPART_PYTHON
    return
  fi
  local base=${PYTHON:-python3} venv=$ROOT/.python key
  key=$(env_key "$base")
  PYTHON=$venv/bin/python
  [ "$(cat "$venv/complete" 2>/dev/null)" = "$key" ] && [ -x "$PYTHON" ] && return
  # Nested locks would wait for ourselves: this one is named after the checkout, the others never are.
  locked "python-$(printf %s "$ROOT" | cksum | cut -d' ' -f1)" env_build "$base" "$venv" "$key"
}

# What the environment depends on: interpreter, place, and every file that names a dependency or is compiled.
env_key() {
  { "$1" -VV || die "$1 cannot be run; set PYTHON to a Python 3.9 or newer"
    echo "$ROOT"
    cat "$ROOT"/{setup.cfg,pyproject.toml,setup.py,invenio_multipart/core/*.[ch],scripts/python-env.sh} 2>/dev/null || true
  } | sha256sum | cut -d' ' -f1
}

env_build() {
  local base=$1 venv=$2 key=$3
  [ "$(cat "$venv/complete" 2>/dev/null)" != "$key" ] || return 0
  "$base" -c 'import sys; sys.exit(sys.version_info < (3, 9))' || die "Python 3.9 or newer is needed, this is $("$base" -V)"
  say "installing InvenioRDM 14 and this package into .python (half a minute with uv, else 2 to 3 minutes)"
  # Another interpreter means another environment; otherwise the old one is brought up to date in place,
  # for a demo instance may be running on it.
  [ "$("$base" -VV)" = "$("$venv/bin/python" -VV 2>/dev/null)" ] || rm -rf "$venv"
  "$base" -m venv "$venv" || { debian python3-venv && "$base" -m venv "$venv"; } || die "could not make $venv"
  # The first version ends below 15 and betas are not asked for: the 15 beta can never come in.
  local wanted=("invenio-app-rdm[opensearch2]~=14.0" "gunicorn>=22" -e "$ROOT[rdm,s3,tests,browser]")
  if "$venv/bin/python" -m pip install --quiet uv && env_install "$venv" -m uv pip install --quiet --reinstall-package invenio-multipart "${wanted[@]}"; then :
  else
    say "uv did not succeed, trying pip"
    env_install "$venv" -m pip install --quiet "${wanted[@]}" || { tail -n 30 "$venv/install.log" >&2; die "the installation failed"; }
  fi
  echo "$key" >"$venv/complete"
}

env_install() { # env_install VENV ARGUMENT...
  local venv=$1
  shift
  VIRTUAL_ENV=$venv "$venv/bin/python" "$@" >"$venv/install.log" 2>&1
}
