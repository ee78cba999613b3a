# Installs the systemd units, the user that they run as, and the server's configuration. It runs at installation, when the prefix is
# known.
#
# The units in deploy/systemd name paths below the prefix /usr/local, and /etc. As the GNU coding standards demand, the
# configuration lies in /etc for the prefix /usr, and in PREFIX/etc for any other prefix.
if(CMAKE_INSTALL_PREFIX STREQUAL "/usr")
  set(sysconf_dir /etc)
else()
  set(sysconf_dir ${CMAKE_INSTALL_PREFIX}/etc)
endif()

set(generated_dir ${semblance_binary_dir}/host_files)
set(units)
foreach(name semblance-server.service semblance-trainer@.service)
  file(READ ${semblance_source_dir}/deploy/systemd/${name} unit)
  string(REPLACE "/etc/semblance" "${sysconf_dir}/semblance" unit "${unit}")
  string(REPLACE "/usr/local/bin" "${CMAKE_INSTALL_PREFIX}/bin" unit "${unit}")
  string(REPLACE "/usr/local/share" "${CMAKE_INSTALL_PREFIX}/share" unit "${unit}")
  file(WRITE ${generated_dir}/${name} "${unit}")
  list(APPEND units ${generated_dir}/${name})
endforeach()
file(INSTALL ${units} DESTINATION ${CMAKE_INSTALL_PREFIX}/lib/systemd/system)
file(INSTALL ${semblance_source_dir}/deploy/systemd/semblance.sysusers.conf DESTINATION ${CMAKE_INSTALL_PREFIX}/lib/sysusers.d
     RENAME semblance.conf)
file(INSTALL ${semblance_source_dir}/deploy/server.textproto DESTINATION ${sysconf_dir}/semblance)
