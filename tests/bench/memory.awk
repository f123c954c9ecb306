# Reads the results of memory-on-host.sh, and prints Markdown. Fails where a ratio is below its bar.
function ms(name, metric) { return median(values[name, metric]) / 1e6 }
function pages(name, size) { return values[name, "pages." size] + 0 }
function bar(what, ratio, least) {
	printf "- %s: %.2f times (at least %.1f)\n", what, ratio, least
	if (ratio < least) missed = 1
}
{
	values[$1, $2] = values[$1, $2] " " $3
	if (!seen[$1]++) names[++n] = $1
}
END {
	print "| `--hugepages` | present by 1 thread, ms | by 2 threads, ms | ratio | mapped for DMA, ms | IOMMU pages of 4 KiB | of 2 MiB | of 1 GiB |"
	print "|---|---:|---:|---:|---:|---:|---:|---:|"
	for (i = 1; i <= n; i++) {
		name = names[i]
		printf "| %s | %.0f | %.0f | %.2f | %.1f | %d | %d | %d |\n", name, ms(name, "prefault.1"), ms(name, "prefault.2"),
			ms(name, "prefault.1") / ms(name, "prefault.2"), ms(name, "map"), pages(name, 4096), pages(name, 2097152), pages(name, 1073741824)
	}
	print "\n(Two pages of 4 KiB are VFIO's own: it tries the IOMMU with them.)\n"
	bar("mapping for DMA, pages of 2M against 4 KiB", ms("off", "map") / ms("2M", "map"), 3)
	bar("making memory present, two threads against one, pages of 2M", ms("2M", "prefault.1") / ms("2M", "prefault.2"), 1.4)
	bar("the same with pages of 4 KiB", ms("off", "prefault.1") / ms("off", "prefault.2"), 1.4)
	# VFIO tries each IOMMU with two small pages, and takes them away again (vfio_test_domain_fgsp).
	if (pages("2M", 4096) > 2 || pages("2M", 2097152) != 2048) {
		print "- the IOMMU does not map all of the pages of 2M as such"
		missed = 1
	}
	exit missed
}
