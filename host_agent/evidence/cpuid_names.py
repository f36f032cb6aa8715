"""Names of a CPU's features by CPUID leaf, register and bit. Pure: a table.

Intel SDM 2A and AMD APM 3, CPUID; spelled as QEMU and libvirt spell them. A bit that has no name
here is told by its number.
"""

# (Leaf, subleaf, register) → names from bit 0 on; a hyphen has none.
_NAMES = {
    (0x1, 0, "EDX"): (
        "fpu vme de pse tsc msr pae mce cx8 apic - sep mtrr pge mca cmov pat pse36 pn clflush - "
        "ds acpi mmx fxsr sse sse2 ss ht tm ia64 pbe"
    ),
    (0x1, 0, "ECX"): (
        "pni pclmuldq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 cid - fma cx16 xtpr pdcm - pcid "
        "dca sse4.1 sse4.2 x2apic movbe popcnt tsc-deadline aes xsave osxsave avx f16c rdrand "
        "hypervisor"
    ),
    (0x7, 0, "EBX"): (
        "fsgsbase tsc_adjust sgx bmi1 hle avx2 fdp-excptn-only smep bmi2 erms invpcid rtm cmt "
        "zero-fcs-fds mpx - avx512f avx512dq rdseed adx smap avx512ifma pcommit clflushopt clwb "
        "intel-pt avx512pf avx512er avx512cd sha-ni avx512bw avx512vl"
    ),
    (0x7, 0, "ECX"): (
        "- avx512vbmi umip pku ospke waitpkg avx512vbmi2 cet-ss gfni vaes vpclmulqdq avx512vnni "
        "avx512bitalg - avx512-vpopcntdq - la57 - - - - - rdpid - bus-lock-detect cldemote - "
        "movdiri movdir64b - sgxlc pks"
    ),
    (0x7, 0, "EDX"): (
        "- - avx512-4vnniw avx512-4fmaps fsrm - - - avx512-vp2intersect - md-clear - - - "
        "serialize - tsx-ldtrk - pconfig arch-lbr cet-ibt - amx-bf16 avx512-fp16 amx-tile "
        "amx-int8 spec-ctrl stibp flush-l1d arch-capabilities core-capability ssbd"
    ),
    (0x7, 1, "EAX"): (
        "sha512 sm3 sm4 - avx-vnni avx512-bf16 - cmpccxadd - - fzrm fsrs fsrc - - - - fred lkgs "
        "wrmsrns - amx-fp16 - avx-ifma - - lam - - - - movrs"
    ),
    (0xD, 1, "EAX"): "xsaveopt xsavec xgetbv1 xsaves xfd",
    (0x80000001, 0, "EDX"): (
        "- - - - - - - - - - - syscall - - - - - - - mp nx - mmxext - - fxsr_opt pdpe1gb rdtscp - "
        "lm 3dnowext 3dnow"
    ),
    (0x80000001, 0, "ECX"): (
        "lahf_lm cmp_legacy svm extapic cr8legacy abm sse4a misalignsse 3dnowprefetch osvw ibs "
        "xop skinit wdt - lwp fma4 tce - nodeid_msr - tbm topoext perfctr_core perfctr_nb"
    ),
    (0x80000007, 0, "EDX"): "- - - - - - - - invtsc",
    (0x80000008, 0, "EBX"): (
        "clzero - xsaveerptr - - - - - - wbnoinvd - - ibpb - ibrs amd-stibp - stibp-always-on - - "
        "- - - - amd-ssbd virt-ssbd amd-no-ssb - amd-psfd"
    ),
    (0x8000000A, 0, "EDX"): (
        "npt lbrv svm-lock nrip-save tsc-scale vmcb-clean flushbyasid decodeassists - - "
        "pause-filter - pfthreshold avic - v-vmsave-vmload vgif - - - - - - - - vnmi"
    ),
}


def names(leaf: int, subleaf: int, register: str, bits: int) -> tuple[str, ...]:
    """Return the names of the bits that are set, in their order."""
    known = _NAMES.get((leaf, subleaf, register), "").split()
    return tuple(
        known[bit] if bit < len(known) and known[bit] != "-" else f"bit {bit}"
        for bit in range(bits.bit_length())
        if bits >> bit & 1
    )
