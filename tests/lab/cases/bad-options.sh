# Wrong usage: exit code 2, and one line that says what is wrong and what would be right.
source "$CASE_LIB"
pvh_kernel kernel "$HALT"

bad() {
	refuses 2 "${texts[@]}" -- "$STRAIT" "$@"
}

texts=('no command' 'strait --help') && bad
texts=("'start' is no command" 'there are run, test') && bad start
texts=("'devcies' is no command" 'did you mean devices?') && bad devcies
texts=('--kernel' 'strait run --help') && bad run
texts=('frobnicate' '--help') && bad run --kernel kernel --frobnicate
texts=('--memory' '--help') && bad run --kernel kernel --memory
texts=('--cpu-hide-kvm' 'not take any arguments') && bad run --kernel kernel --cpu-hide-kvm=on
texts=('write it behind --') && bad test
texts=('write it behind --') && bad test --

texts=('too little' '512M')
bad run --kernel kernel --memory 0
bad run --kernel kernel --memory 4M
texts=('more than any processor can address' '512M') && bad run --kernel kernel --memory 999999T
texts=('not a size' '512M')
for size in lots '' 1.5G 12Q 0x20000000 G; do bad run --kernel kernel --memory "$size"; done

texts=('unknown' '2M, 1G, thp or off') && bad run --kernel kernel --hugepages 4K
texts=('no multiple of --hugepages 1G' '1024M or 2048M') && bad run --kernel kernel --hugepages 1G --memory 1500M
texts=('unknown' 'on or off') && bad run --kernel kernel --prefault soon
texts=('not a number of threads' '1 to 128') && bad run --kernel kernel --prefault-threads 0

texts=('not a number of processors' '1 to 254')
for cpus in 0 255 abc '' 1e3; do bad run --kernel kernel --cpus "$cpus"; done
texts=('are 3 processors' 'sockets=2') && bad run --kernel kernel --cpus 4,cores=3
texts=('1 CPUs for 2 vCPUs' 'VCPU:CPUS') && bad run --kernel kernel --cpus 2 --pin 1
texts=("'2' is no vCPU") && bad run --kernel kernel --cpus 2 --pin 0:0,2:1
texts=('no list of CPUs') && bad run --kernel kernel --pin first
texts=('not a real-time priority' '1 to 99') && bad run --kernel kernel --rt 100
texts=('--rt needs --pin') && bad run --kernel kernel --rt 1
texts=('--dedicated needs --pin') && bad run --kernel kernel --dedicated
texts=('no NUMA node' 'auto, off') && bad run --kernel kernel --numa near

texts=('no PCI address' '0000:01:10.0')
for address in card '' 01:20.0 0000:01:10.8 0000:01:10; do bad run --kernel kernel --device "$address"; done
texts=('speed: unknown key' 'romfile=FILE') && bad run --kernel kernel --device "$LAB_VF0,speed=fast"
texts=('no slot' '1 to 1f')
for address in 0 20 5.8 5. .1; do bad run --kernel kernel --device "$LAB_VF0,addr=$address"; done
texts=('two devices have addr=5.1') && bad run --kernel kernel --device "$LAB_VF0,addr=5.1" --device "$LAB_VF1,addr=5.1"
texts=("$LAB_VF1 has addr=5.1" 'slot 5 has no function 0' 'addr=5')
bad run --kernel kernel --device "$LAB_VF0" --device "$LAB_VF1,addr=5.1"
texts=('no UUID' 'uuidgen') && bad run --kernel kernel --device "$LAB_VF0,vf-token=secret"
texts=('addr= with a function') && bad run --kernel kernel --device "$LAB_VF0,addr=5.1,group=on"
texts=("$LAB_VF0 is given twice" 'once')
bad run --kernel kernel --device "$LAB_VF0" --device "$LAB_VF0"
bad run --kernel kernel --device "${LAB_VF0#0000:}" --device "/sys/bus/pci/devices/$LAB_VF0/"
bad run --kernel kernel --device "$LAB_VF0,group=on" --device "$LAB_VF0"

texts=('not a time' '0.5')
for time in 0 -1 soon ''; do bad run --kernel kernel --timeout "$time"; done
texts=('reset or exit') && bad run --kernel kernel --on-reboot never
texts=('auto, bzimage or elf') && bad run --kernel kernel --kernel-entry uefi
texts=('not an I/O port' '0xf4') && bad run --kernel kernel --exit-port 65536
texts=('belongs to another device' '0xf4') && bad run --kernel kernel --exit-port 0x3f8
works_still
