# What CPack makes of one staged folder. packaging/packages exports STAGE, PACKAGE, VERSION, RELEASE, ARCHITECTURE,
# SUMMARY, DEPENDS, and SCRIPTS, the folder of its maintainer scripts.
set(CPACK_PACKAGE_NAME "$ENV{PACKAGE}")
set(CPACK_PACKAGE_VERSION "$ENV{VERSION}")
set(CPACK_PACKAGE_FILE_NAME "$ENV{PACKAGE}")
set(CPACK_PACKAGE_VENDOR "Rescue")
set(CPACK_PACKAGE_CONTACT "Rescue maintainers <maintainers@rescue.example>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "$ENV{SUMMARY}")
set(CPACK_PACKAGE_DESCRIPTION "Rescue gets evidence from machines that never finished booting:
a static agent on the machine, a thin sweeper in the middle, bundles
in Grafana Loki. Nothing leaves the machine unredacted.")
set(CPACK_INSTALLED_DIRECTORIES "$ENV{STAGE};/")
set(CPACK_PACKAGING_INSTALL_PREFIX "/")
set(CPACK_SET_DESTDIR OFF)
set(CPACK_STRIP_FILES OFF)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
	OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
file(GLOB scripts "$ENV{SCRIPTS}/*")

set(CPACK_DEBIAN_PACKAGE_NAME "$ENV{PACKAGE}")
set(CPACK_DEBIAN_PACKAGE_RELEASE "$ENV{RELEASE}")
set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE "$ENV{ARCHITECTURE}")
set(CPACK_DEBIAN_PACKAGE_SECTION "admin")
set(CPACK_DEBIAN_PACKAGE_DEPENDS "$ENV{DEPENDS}")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${scripts})
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)

set(CPACK_RPM_PACKAGE_RELEASE "$ENV{RELEASE}")
set(CPACK_RPM_PACKAGE_ARCHITECTURE "$ENV{ARCHITECTURE}")
set(CPACK_RPM_PACKAGE_LICENSE "Apache-2.0")
set(CPACK_RPM_PACKAGE_DESCRIPTION "${CPACK_PACKAGE_DESCRIPTION}")
set(CPACK_RPM_PACKAGE_GROUP "Unspecified")
set(CPACK_RPM_PACKAGE_AUTOREQPROV OFF)
set(CPACK_RPM_FILE_NAME RPM-DEFAULT)
set(CPACK_RPM_POST_INSTALL_SCRIPT_FILE "$ENV{SCRIPTS}/post")
set(CPACK_RPM_PRE_UNINSTALL_SCRIPT_FILE "$ENV{SCRIPTS}/preun")
set(CPACK_RPM_EXCLUDE_FROM_AUTO_FILELIST_ADDITION
	/usr/lib/systemd /usr/lib/systemd/system /usr/lib/sysusers.d /usr/lib/tmpfiles.d /usr/share/bash-completion
	/usr/share/bash-completion/completions /usr/share/man /usr/share/man/man5 /usr/share/man/man8)
set(CPACK_RPM_USER_FILELIST "%config(noreplace) /etc/rescue/agent.yaml.example")
# The program is stripped already, by the compiler of its own architecture. Times come from the changelog.
set(CPACK_RPM_SPEC_MORE_DEFINE "%global __os_install_post %{nil}
%global debug_package %{nil}
%global _buildhost rescue
%global use_source_date_epoch_as_buildtime 1
%global clamp_mtime_to_source_date_epoch 1")
