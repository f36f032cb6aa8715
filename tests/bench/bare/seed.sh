# Floor: a domain's machine type by virsh and xmllint. Called with the domains' names.
set -eu
for name in "$@"; do
    virsh dumpxml "$name" | xmllint --xpath 'string(//domain/os/type/@machine)' - >/dev/null
done
